package backup

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ZPascal/container-manager/test/testenv"
)

func TestScriptsStageAndRestore(t *testing.T) {
	testenv.NotQuick(t)
	v := newVolume(t)
	write(t, filepath.Join(v.Config.BackupScriptsDir, "backup-logs.py"), oneLine)
	write(t, filepath.Join(v.Config.RestoreScriptsDir, "restore-logs.py"), oneLine)
	write(t, filepath.Join(v.Config.LogsDir, "app.log"), "old life\n")
	restored := filepath.Join(v.Config.RunDir, "restored")
	v.backupScript("db.sh", `test "$1" = -i && test "$2" = "$BACKUP_TEMP_DIR" && echo dump >"$2/db.sql"; echo "one; two"`)
	v.restoreScript("db.sh", `test "$1" = -i && test "$2" = "$RESTORE_TEMP_DIR" && cat "$2/db.sql" "$2/logs/app.log" >`+restored)

	made, err := v.Backup(t.Context())
	must(t, err)
	if made.Problems != 0 {
		t.Errorf("%d problems", made.Problems)
	}
	if _, ok := ParseName(filepath.Base(made.Archive)); !ok {
		t.Errorf("the archive is called %s", made.Archive)
	}
	out, err := exec.Command("tar", "tzf", made.Archive).Output()
	must(t, err)
	if want := ".backup-manifest.jsonl\ndb.sql\nlogs/\nlogs/app.log\n"; string(out) != want {
		t.Errorf("tar lists\n%swant\n%s", out, want)
	}
	for _, message := range []string{`"message":"one"`, `"message":"two"`} {
		if !strings.Contains(v.log.String(), message) {
			t.Errorf("the log lacks %s", message)
		}
	}

	write(t, filepath.Join(v.Config.LogsDir, "app.log"), "new life\n")
	archive, err := firstStart(v.Runner)
	must(t, err)
	if archive != made.Archive {
		t.Errorf("restored %q, want %q", archive, made.Archive)
	}
	if got, want := read(t, restored), "dump\nold life\n"; got != want {
		t.Errorf("the restore script saw %q, want %q", got, want)
	}
	if got := read(t, filepath.Join(v.Config.LogsDir, "app.log")); got != "new life\n" {
		t.Errorf("the log of the new life became %q", got)
	}
	v.noLeftovers()
}

func TestOthersCannotReadArchives(t *testing.T) {
	v := newVolume(t)
	v.backupScript("db.sh", `echo dump >"$2/db.sql"`)
	old := syscall.Umask(0)
	made, err := v.Backup(t.Context())
	syscall.Umask(old)
	must(t, err)
	if mode := testenv.Mode(t, made.Archive); mode != archiveMode {
		t.Errorf("the archive has mode %v", mode)
	}
}

func TestRestoreOfPlainTar(t *testing.T) {
	for name, args := range map[string][]string{
		"dot":   {"-C", "backup-2026-01-02_03:04:05", "."},
		"stamp": {"backup-2026-01-02_03:04:05"},
		"names": {"-C", "backup-2026-01-02_03:04:05", "db.sql", "logs"},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVolume(t)
			work := t.TempDir()
			write(t, filepath.Join(work, "backup-2026-01-02_03:04:05", "db.sql"), "dump\n")
			write(t, filepath.Join(work, "backup-2026-01-02_03:04:05", "logs", "a.log"), "line\n")
			must(t, os.MkdirAll(v.Config.BackupDir, 0o755))
			archive := filepath.Join(v.Config.BackupDir, "backup-2026-01-02_03:04:05.tar.gz")
			tar := exec.Command("tar", append([]string{"czf", archive}, args...)...)
			tar.Dir = work
			out, err := tar.CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			restored := filepath.Join(v.Config.RunDir, "restored")
			v.restoreScript("db.sh", `cat "$2/db.sql" "$2/logs/a.log" >`+restored)
			result, err := v.Restore(t.Context(), Latest)
			must(t, err)
			if result.Archive != archive {
				t.Errorf("restored %q", result.Archive)
			}
			if got := read(t, restored); got != "dump\nline\n" {
				t.Errorf("the restore script saw %q", got)
			}
			v.noLeftovers()

			must(t, os.Remove(restored))
			first, err := firstStart(v.Runner)
			must(t, err)
			if first != archive || read(t, restored) != "dump\nline\n" {
				t.Errorf("a first start has restored %q", first)
			}
			v.noLeftovers()
		})
	}
}

func TestBrokenNewestIsPassedOver(t *testing.T) {
	v := newVolume(t)
	v.backupScript("a.sh", `echo good >"$2/a"`)
	made, err := v.Backup(t.Context())
	must(t, err)
	broken := filepath.Join(v.Config.BackupDir, namePrefix+time.Now().Add(time.Hour).Format(stampFormat)+nameSuffix)
	data := read(t, made.Archive)
	must(t, os.WriteFile(broken, []byte(data[:len(data)-20]), 0o600))
	restored := filepath.Join(v.Config.RunDir, "restored")
	v.restoreScript("a.sh", `cat "$2/a" >`+restored)

	archive, err := firstStart(v.Runner)
	must(t, err)
	if archive != made.Archive {
		t.Errorf("restored %q, want %q", archive, made.Archive)
	}
	if got := read(t, restored); got != "good\n" {
		t.Errorf("the restore script saw %q", got)
	}
	if !strings.Contains(v.log.String(), broken+": the archive is invalid: ends too early: it is truncated") {
		t.Error("the log does not say what is wrong with the newest")
	}
}

func TestNothingValidToRestore(t *testing.T) {
	v := newVolume(t)
	archive, err := firstStart(v.Runner)
	if archive != "" || err != nil {
		t.Errorf("without a directory: %q, %v", archive, err)
	}
	first := filepath.Join(v.Config.BackupDir, "backup-2026-01-01_00:00:00.tar.gz")
	second := filepath.Join(v.Config.BackupDir, "backup-2026-01-02_00:00:00.tar.gz")
	write(t, first, "")
	write(t, second, "no archive")
	_, err = firstStart(v.Runner)
	if err == nil {
		t.Fatal("restored something")
	}
	for _, want := range []string{first, second, "IMAGE_RESTORE_ON_FIRST_START=false"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error %q does not name %s", err, want)
		}
	}
}

func TestFailedScriptLeavesEverything(t *testing.T) {
	v := newVolume(t)
	old := filepath.Join(v.Config.BackupDir, "backup-2026-01-01_00:00:00.tar.gz")
	write(t, old, "")
	v.backupScript("a.sh", `echo no room; exit 7`)
	_, err := v.Backup(t.Context())
	if err == nil || !strings.Contains(err.Error(), "a.sh ended with exit status 7, last output: no room") {
		t.Errorf("error %v", err)
	}
	if got := names(t, v.Config.BackupDir); len(got) != 1 {
		t.Errorf("there is %v", got)
	}
	v.noLeftovers()
}
