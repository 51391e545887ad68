package backup

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

func TestLastBackupIsRecorded(t *testing.T) {
	v := newVolume(t)
	r := v.Runner
	if got := ReadLast(r.Config); got.Last != nil || got.LastSuccess != nil {
		t.Errorf("before any backup: %+v", got)
	}
	sick := filepath.Join(r.Config.StorageBaseDir, "sick")
	v.backupScript("app.sh", `echo data >"$2/data"; [ ! -e `+sick+` ] || { echo "database is gone"; exit 3; }`)
	result, err := r.Backup(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	good := ReadLast(r.Config)
	if l := good.Last; l == nil || l.Archive != filepath.Base(result.Archive) || l.Size == 0 || l.Ended == nil || l.Began.After(*l.Ended) {
		t.Fatalf("last %+v", good.Last)
	}

	testenv.Write(t, sick, "", 0o644)
	if _, err := r.Backup(t.Context()); err == nil {
		t.Fatal("the script did not fail")
	}
	got := ReadLast(r.Config)
	if l := got.Last; l.Status != Failed || !strings.Contains(l.Error, "database is gone") || l.Archive != "" {
		t.Errorf("last %+v", l)
	}
	if good.LastSuccess == nil || got.LastSuccess == nil || !got.LastSuccess.Began.Equal(good.LastSuccess.Began) {
		t.Errorf("the last success is lost: %+v", got.LastSuccess)
	}
	if archives, _ := Archives(r.Config.BackupDir); len(archives) != 1 {
		t.Errorf("archives %v", archives)
	}
}

func TestLastBackupThatWasKilled(t *testing.T) {
	r := newVolume(t).Runner
	testenv.Mkdir(t, r.Config.BackupDir)
	path := filepath.Join(r.Config.BackupDir, lastName)
	testenv.Write(t, path, `{"last":{"began":"2026-01-02T03:04:05Z","status":"running"},"last_success":{"began":"2026-01-01T03:04:05Z","status":"ok","size":7}}`, 0o640)
	got := ReadLast(r.Config)
	if got.Last.Status != Failed || got.Last.Error == "" || got.LastSuccess.Size != 7 {
		t.Errorf("last %+v", got.Last)
	}
	lock, err := r.lock(t.Context(), "backup")
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Unlock()
	if got := ReadLast(r.Config); got.Last.Status != Running {
		t.Errorf("last %+v", got.Last)
	}
	if _, err := r.Backup(t.Context()); err == nil || ReadLast(r.Config).Last.Status != Running {
		t.Errorf("a backup that was refused: %v, %+v", err, ReadLast(r.Config).Last)
	}
	for _, text := range []string{"", "null", "{", "[]", `{"last":{}}`, `{"last":{"began":"2026-01-02T03:04:05Z","size":-1}}`, `{"last":{"began":"x"}}`} {
		testenv.Write(t, path, text, 0o640)
		if got := ReadLast(r.Config); got.Last != nil {
			t.Errorf("%q is %+v", text, got.Last)
		}
	}
}
