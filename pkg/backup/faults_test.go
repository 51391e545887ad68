package backup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/test/testenv"
)

func TestScriptThatHangs(t *testing.T) {
	v := newVolume(t)
	v.backupScript("a.sh", "echo waiting; exec sleep 9999")
	testenv.EverLonger(t, "the script starts", func(limit time.Duration) bool {
		v.Config.BackupTimeout = config.Duration(limit)
		_, err := v.Backup(t.Context())
		wantError(t, err, "a.sh did not end within "+limit.String()+" and was killed, ")
		wantError(t, err, "(IMAGE_BACKUP_SCRIPT_TIMEOUT)")
		return strings.Contains(err.Error(), "last output: waiting (")
	})
	v.noLeftovers()
}

func TestScriptThatCannotRun(t *testing.T) {
	v := newVolume(t)
	path := filepath.Join(v.Config.BackupScriptsDir, "a.sh")
	write(t, path, "#!/nonexistent/sh\n")
	must(t, os.Chmod(path, 0o755))
	_, err := v.Backup(t.Context())
	wantError(t, err, path+":1: the interpreter /nonexistent/sh is missing")
	write(t, filepath.Join(v.Config.BackupScriptsDir, "0.py"), oneLine)
	_, err = v.Backup(t.Context())
	wantError(t, err, "0.py: there is no built-in of this name")
}

// TestScriptThatMeddles writes where it should not, and replaces its directory.
func TestScriptThatMeddles(t *testing.T) {
	v := newVolume(t)
	outside := t.TempDir()
	write(t, filepath.Join(outside, "precious"), "precious")
	v.backupScript("a.sh", `echo x >"$2/../../stray"; ln -s `+outside+` "$2/link"; ln -s `+outside+`/precious "$2/file"`)
	made, err := v.Backup(t.Context())
	must(t, err)
	head, err := v.Verify(t.Context(), made.Archive)
	must(t, err)
	if head.Files != 0 || head.Entries != 2 {
		t.Errorf("head %+v, want the two links and nothing else", head)
	}
	if read(t, filepath.Join(v.Config.BackupDir, "stray")) != "x\n" {
		t.Error("the file beside the archives is gone")
	}
	v.backupScript("b.sh", `rm -rf "$2"; ln -s `+outside+` "$2"`)
	_, err = v.Backup(t.Context())
	wantError(t, err, "a script has removed or replaced the directory that it was given")
	if read(t, filepath.Join(outside, "precious")) != "precious" {
		t.Error("the clearing up followed a link")
	}
	v.noLeftovers()
}

// TestUnwritableDirectoriesAreRemoved stages what only root could remove as it
// is.
func TestUnwritableDirectoriesAreRemoved(t *testing.T) {
	v := newVolume(t)
	v.backupScript("a.sh", `mkdir -p "$2/a/b"; echo x >"$2/a/b/c"; chmod 555 "$2/a/b" "$2/a"`)
	v.restoreScript("a.sh", `test -f "$2/a/b/c"`)
	_, err := v.Backup(t.Context())
	must(t, err)
	v.noLeftovers()
	_, err = v.Restore(t.Context(), Latest)
	must(t, err)
	v.noLeftovers()
}

func TestPostScripts(t *testing.T) {
	v := withPaths(t)
	copied := filepath.Join(v.Config.RunDir, "copied")
	putScript(t, filepath.Join(v.Config.BackupPostDir, "1.sh"), "echo no network; exit 1")
	putScript(t, filepath.Join(v.Config.BackupPostDir, "2.sh"), `test "$1" = "$BACKUP_ARCHIVE" && cp "$1" `+copied)
	made, err := v.Backup(t.Context())
	must(t, err)
	if made.Problems != 1 {
		t.Errorf("%d problems, want 1", made.Problems)
	}
	if read(t, copied) != read(t, made.Archive) {
		t.Error("the copy differs")
	}
	v.wantLog("1.sh ended with exit status 1, last output: no network")
}

// TestTwoAtOnce has a backup and a restore meet another one.
func TestTwoAtOnce(t *testing.T) {
	v := withPaths(t)
	_, err := v.Backup(t.Context())
	must(t, err)
	ready, goOn := filepath.Join(v.Config.RunDir, "ready"), filepath.Join(v.Config.RunDir, "go")
	must(t, exec.Command("mkfifo", goOn).Run())
	v.backupScript("a.sh", "echo >"+ready+"; cat "+goOn)
	done := make(chan error, 1)
	go func() {
		_, err := v.Backup(t.Context())
		done <- err
	}()
	testenv.WaitFor(t, "the script to begin", func() bool { return fsutil.Exists(ready) })
	other := Runner{Config: v.Config, Log: v.Log}
	for what, run := range map[string]func() error{
		"backup":  func() error { _, err := other.Backup(t.Context()); return err },
		"restore": func() error { _, err := other.Restore(t.Context(), Latest); return err },
	} {
		err := run()
		if !errors.Is(err, fsutil.ErrLocked) {
			t.Errorf("%s: %v", what, err)
		}
		wantError(t, err, filepath.Join(v.Config.BackupDir, ".lock")+" is locked by another process: backup of container ", fmt.Sprintf("process %d, since ", os.Getpid()))
	}
	// A first start waits, for as long as it may.
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("SIGTERM")
	cancel(why)
	none := func(string) error { return nil }
	if err := RestoreFirst(ctx, v.Config, v.Log, false, none); !errors.Is(err, why) {
		t.Errorf("a first start: %v", err)
	}
	restored := make(chan error, 1)
	go func() { restored <- RestoreFirst(t.Context(), v.Config, v.Log, false, none) }()
	must(t, os.WriteFile(goOn, nil, 0))
	must(t, <-done)
	must(t, <-restored)
	v.noLeftovers()
}

// TestLockOfTheDead kills a holder with all that it has started, and goes on
// where it cannot.
func TestLockOfTheDead(t *testing.T) {
	v := withPaths(t)
	ready := filepath.Join(v.Config.RunDir, "ready")
	v.backupScript("a.sh", "echo >"+ready+"; exec sleep 60")
	holder := helper(t, "backup", filepath.Dir(v.Config.RunDir))
	must(t, holder.Start())
	testenv.WaitFor(t, "the script to begin", func() bool { return fsutil.Exists(ready) })
	_, err := v.Backup(t.Context())
	if !errors.Is(err, fsutil.ErrLocked) {
		t.Errorf("beside the living: %v", err)
	}
	must(t, holder.Process.Kill())
	_ = holder.Wait()
	v.backupScript("a.sh", "true") // its sleep lives on, and holds nothing
	_, err = v.Backup(t.Context())
	must(t, err)
	v.wantLog("removing "+filepath.Join(v.Config.BackupDir, stagingPrefix), "left by a run that did not end")
	v.noLeftovers()
}

// TestNamesKeepTheirOrder is about archives within a second, and in the hour
// that comes twice in autumn. Names of a future that is far stay out of it.
func TestNamesKeepTheirOrder(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "backup-2999-01-01_00:00:00.tar.gz"), "")
	now := time.Date(2026, 10, 25, 2, 30, 0, 0, time.Local)
	for i, c := range []struct {
		now  time.Time
		want string
	}{
		{now, "backup-2026-10-25_02:30:00.tar.gz"},
		{now, "backup-2026-10-25_02:30:01.tar.gz"},
		{now.Add(-20 * time.Minute), "backup-2026-10-25_02:30:02.tar.gz"},
		{now.Add(time.Hour), "backup-2026-10-25_03:30:00.tar.gz"},
	} {
		name, err := newName(dir, c.now, nameSuffix)
		must(t, err)
		if name != c.want {
			t.Errorf("at %s: %s, want %s", c.now, name, c.want)
		}
		write(t, filepath.Join(dir, name), "")
		if i == 1 { // the gap is not filled
			must(t, os.Remove(filepath.Join(dir, "backup-2026-10-25_02:30:00.tar.gz")))
		}
	}
}

func TestRestoreByName(t *testing.T) {
	v := withPaths(t)
	first, err := v.Backup(t.Context())
	must(t, err)
	write(t, filepath.Join(v.Config.DataDir, "db", "table"), "second")
	_, err = v.Backup(t.Context())
	must(t, err)
	for _, which := range []string{first.Archive, filepath.Base(first.Archive)} {
		result, err := v.Restore(t.Context(), which)
		must(t, err)
		if result.Archive != first.Archive || read(t, filepath.Join(v.Config.DataDir, "db", "table")) != "old rows" {
			t.Errorf("%s: restored %s", which, result.Archive)
		}
	}
	_, err = v.Restore(t.Context(), "nonesuch")
	wantError(t, err, "there is no archive "+filepath.Join(v.Config.BackupDir, "nonesuch")+" and no nonesuch")
	empty := newVolume(t)
	_, err = empty.Restore(t.Context(), Latest)
	wantError(t, err, "there is no backup-*.tar.gz in "+empty.Config.BackupDir)
}

func TestLimitsOfARestore(t *testing.T) {
	v := withPaths(t)
	_, err := v.Backup(t.Context())
	must(t, err)
	v.Config.RestoreMaxSize = 10
	before := v.state()
	_, err = v.Restore(t.Context(), Latest)
	wantError(t, err, "holds more than 10 bytes (IMAGE_RESTORE_MAX_SIZE)")
	v.Config.RestoreMaxSize, v.Config.RestoreMaxFiles = 0, 2
	_, err = v.Restore(t.Context(), Latest)
	wantError(t, err, "holds more than 2 entries (IMAGE_RESTORE_MAX_FILES)")
	if v.state() != before {
		t.Error("something was touched")
	}
}

func TestProgress(t *testing.T) {
	t.Run("log", func(t *testing.T) {
		v := newVolume(t)
		synctest.Test(t, func(t *testing.T) {
			add, stop := v.progress("packing")
			add(3_000_000)
			time.Sleep(10*time.Second + time.Millisecond)
			add(1_000_000)
			time.Sleep(10 * time.Second)
			stop()
		})
		v.wantLog("packing: 3.0 MB after 10s, 300.0 kB a second", "packing: 4.0 MB after 20s, 200.0 kB a second")
	})
	t.Run("terminal", func(t *testing.T) {
		v := newVolume(t)
		var terminal strings.Builder
		v.Terminal = &terminal
		synctest.Test(t, func(t *testing.T) {
			add, stop := v.progress("packing")
			add(500)
			time.Sleep(terminalEvery + time.Millisecond)
			stop()
		})
		if got, want := terminal.String(), clearLine+"packing: 500 bytes after 0s, 2.5 kB a second"+clearLine; got != want {
			t.Errorf("the terminal got %q, want %q", got, want)
		}
	})
}

func TestBackupOfNothing(t *testing.T) {
	v := newVolume(t)
	made, err := v.Backup(t.Context())
	must(t, err)
	v.wantLog("the archive is empty: no script of "+v.Config.BackupScriptsDir+" has staged anything", "IMAGE_BACKUP_PATHS is empty")
	_, err = v.Restore(t.Context(), made.Archive)
	must(t, err)
}

func TestBuiltinScriptsByThemselves(t *testing.T) {
	testenv.NotQuick(t)
	v := newVolume(t)
	write(t, filepath.Join(v.Config.LogsDir, "a.log"), "line\n")
	dir := t.TempDir()
	must(t, Builtin("backup-logs.py")(t.Context(), v.Config, v.Log, []string{"-i", dir}))
	if got := tree(t, dir); got != "logs/a.log=line\n" {
		t.Errorf("staged %s", got)
	}
	must(t, Builtin("restore-logs.py")(t.Context(), v.Config, v.Log, []string{"-i", dir}))
	wantError(t, Builtin("backup-logs.py")(t.Context(), v.Config, v.Log, nil), "usage: backup-logs.py -i DIR")
	if Builtin("mine.py") != nil {
		t.Error("any name is a built-in script")
	}
}
