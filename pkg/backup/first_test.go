package backup

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/fsutil"
)

// childRestore is a volume with one archive and a restore.py of a child image.
func childRestore(t *testing.T, body string) (v *volume, archive string) {
	t.Helper()
	v = newVolume(t)
	v.backupScript("a.sh", `echo data >"$2/file"`)
	made, err := v.Backup(t.Context())
	must(t, err)
	v.Config.RestoreDir = filepath.Dir(v.Config.RestoreScriptsDir)
	putScript(t, filepath.Join(v.Config.RestoreDir, "restore.py"), body)
	return v, made.Archive
}

func (v *volume) restoreFirst(ctx context.Context) (restored string, err error) {
	err = RestoreFirst(ctx, v.Config, v.Log, false, func(archive string) error {
		restored = archive
		return nil
	})
	return restored, err
}

func TestRestoreFirstOfAChild(t *testing.T) {
	v, archive := childRestore(t, `echo "restoring $*"; tar xzf "$1" -C "${0%/*}" file && cat "${0%/*}/file"`)
	got, err := v.restoreFirst(t.Context())
	if err != nil || got != archive {
		t.Errorf("restored %q: %v", got, err)
	}
	v.wantLog("restoring "+archive, "data")
}

// The newest archive that is whole is the one that restore.py gets.
func TestRestoreFirstPassesBrokenArchivesOver(t *testing.T) {
	v, archive := childRestore(t, `echo "restoring $*"`)
	broken := filepath.Join(v.Config.BackupDir, namePrefix+time.Now().Add(time.Hour).Format(stampFormat)+nameSuffix)
	write(t, broken, "broken")
	if got, err := v.restoreFirst(t.Context()); err != nil || got != archive {
		t.Errorf("restored %q: %v", got, err)
	}
	v.wantLog("restoring "+archive, broken)
	must(t, os.Remove(archive))
	_, err := v.restoreFirst(t.Context())
	wantError(t, err, "none of the archives in ", "IMAGE_RESTORE_ON_FIRST_START=false")
	must(t, os.Remove(broken))
	if got, err := v.restoreFirst(t.Context()); err != nil || got != "" {
		t.Errorf("without an archive: %q, %v", got, err)
	}
}

// A restore that calls the container manager's own takes the lock itself.
func TestRestoreFirstHoldsNoLock(t *testing.T) {
	v, _ := childRestore(t, `exec 9<"${1%/*}/.lock" && flock -n 9`)
	if _, err := v.restoreFirst(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestRestoreFirstThatFails(t *testing.T) {
	v, archive := childRestore(t, "echo no space; exit 3")
	restore := filepath.Join(v.Config.RestoreDir, "restore.py")
	fails := func(want string) {
		t.Helper()
		_, err := v.restoreFirst(t.Context())
		wantError(t, err, "cannot restore "+archive+": "+restore+want, "IMAGE_RESTORE_ON_FIRST_START=false starts without a restore")
	}
	fails(" ended with exit status 3, last output: no space")
	must(t, os.Chmod(restore, 0o644))
	fails(" is not executable for uid 0: chmod 755 it in the image")
	must(t, os.WriteFile(restore, []byte("print()\n"), 0o644))
	must(t, os.Chmod(restore, 0o755))
	fails(":1: has no #! line: begin it with #!/usr/bin/python3")
	must(t, os.Remove(restore))
	must(t, os.Mkdir(restore, 0o755))
	fails(" is no file but a directory")
}

func TestRestoreFirstThatHangs(t *testing.T) {
	v, archive := childRestore(t, "echo hanging; sleep 1000 & wait")
	v.Config.BackupTimeout = config.Duration(time.Millisecond)
	_, err := v.restoreFirst(t.Context())
	wantError(t, err, "cannot restore "+archive, "did not end within 1ms and was killed")

	v.Config.BackupTimeout = 0
	cause := errors.New("ended by SIGTERM")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(10*time.Millisecond, func() { cancel(cause) })
	if _, err := v.restoreFirst(ctx); !errors.Is(err, cause) || strings.Contains(err.Error(), "IMAGE_") {
		t.Errorf("error %v, want the context's cause", err)
	}
}

// An empty restore.py restores nothing; one that is missing, or built in, is ours.
func TestRestoreFirstWithoutAChildsOwn(t *testing.T) {
	v, archive := childRestore(t, "exit 1")
	restore := filepath.Join(v.Config.RestoreDir, "restore.py")
	write(t, restore, "")
	if got, err := v.restoreFirst(t.Context()); err != nil || got != "" {
		t.Errorf("empty: %q, %v", got, err)
	}
	v.wantLog(restore + " is empty: " + archive + " is not restored")
	write(t, restore, oneLine)
	if got, err := v.restoreFirst(t.Context()); err != nil || got != archive {
		t.Errorf("built in: %q, %v", got, err)
	}
	must(t, os.Remove(restore))
	if got, err := v.restoreFirst(t.Context()); err != nil || got != archive {
		t.Errorf("missing: %q, %v", got, err)
	}
}

// Two containers have storages of their own and share STORAGE_BACKUP_DIR. The first
// start of one is killed when it has restored and has not put that on record.
func TestRestoreFirstOfAnotherContainer(t *testing.T) {
	one, two := newVolume(t), newVolume(t)
	two.Config.BackupDir = one.Config.BackupDir
	one.backupScript("a.sh", `echo data >"$2/file"`)
	made, err := one.Backup(t.Context())
	must(t, err)
	killed := errors.New("killed")
	err = RestoreFirst(t.Context(), one.Config, one.Log, false, func(string) error { return killed })
	if !errors.Is(err, killed) {
		t.Fatalf("error %v", err)
	}
	restored := filepath.Join(two.Config.RunDir, "restored")
	two.restoreScript("a.sh", `cp "$2/file" `+restored)
	if got, err := two.restoreFirst(t.Context()); err != nil || got != made.Archive || read(t, restored) != "data\n" {
		t.Errorf("the other container has restored %q: %v", got, err)
	}
	one.restoreScript("a.sh", "exit 3") // it would restore a second time
	if got, err := one.restoreFirst(t.Context()); err != nil || got != made.Archive {
		t.Errorf("the first one has restored %q: %v", got, err)
	}
	one.noLeftovers()
	for _, v := range []*volume{one, two} {
		if fsutil.Exists(v.claimPath()) {
			t.Errorf("%s is left", v.claimPath())
		}
	}
}
