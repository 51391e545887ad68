package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/test/testenv"
)

// newBackupContainer has programs, with options of app's own, of which backups stop one and a group, and a
// backup script that tries all that may start them meanwhile.
func newBackupContainer(t *testing.T, app ...string) *container {
	t.Helper()
	c := newContainer(t, "IMAGE_BACKUP_STOP_PROGRAMS=app, many idle", "IMAGE_CRON_ENABLED=false")
	c.Setenv("IMAGE_BACKUP_PATHS=" + c.Path("storage/data"))
	c.program("app", append([]string{sleeper}, app...)...)
	c.program("many", sleeper, "process_name = %(program_name)s_%(process_num)d", "numprocs = 2")
	c.program("idle", sleeper, "autostart = false")
	c.program("other", sleeper)
	testenv.Script(t, c.Path("image/health/readiness.probes.d/check-app.sh"), "exec container-manager probe process app")
	testenv.Write(t, c.Path("storage/data/f"), "data", 0o644)
	c.start()
	for _, name := range []string{"app", "many:many_0", "many:many_1", "other"} {
		c.waitState(name, "RUNNING")
	}
	return c
}

// wantRunning fails unless all is as it was before.
func (c *container) wantRunning() {
	c.t.Helper()
	for name, want := range map[string]string{"app": "RUNNING", "many:many_0": "RUNNING", "many:many_1": "RUNNING", "other": "RUNNING", "idle": "STOPPED"} {
		if got := c.process(name).StateName; got != want {
			c.t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	if marks, _ := os.ReadDir(c.Path("run/stopped")); len(marks) > 0 {
		c.t.Errorf("%s is still held", marks[0].Name())
	}
}

func TestBackupStopsPrograms(t *testing.T) {
	c := newBackupContainer(t)
	testenv.Script(t, c.Path("script.sh"), `
container-manager probe process app && exit 1
container-manager probe process many:many_1 && exit 2
container-manager probe process other || exit 3
container-manager check-readiness && exit 4
container-manager probe process app && exit 5
exit 0`)
	c.backupScript("states.sh")
	c.want(0, "stopping many:many_0", "backup")
	c.wantRunning()
	if got := c.spawned("app"); got != 2 {
		t.Errorf("app was started %d times, want 2", got)
	}

	// A restore puts the data back while they are stopped.
	testenv.Write(t, c.Path("storage/data/f"), "newer data", 0o644)
	c.want(0, "what was there before is kept as "+c.Path("storage/data.before-restore-"), "restore")
	if got := testenv.Read(t, c.Path("storage/data/f")); got != "data" {
		t.Errorf("the data is %q", got)
	}
	c.wantRunning()
	c.want(0, "", "check-readiness")
}

// backupScript makes DIR/script.sh one of the backup's. The image's own tree is
// locked down by the time.
func (c *container) backupScript(name string) {
	c.t.Helper()
	dir := c.Path("image/backup/scripts")
	testenv.Chmod(c.t, dir, 0o755)
	if err := os.Rename(c.Path("script.sh"), filepath.Join(dir, name)); err != nil {
		c.t.Fatal(err)
	}
}

func TestBackupThatIsEndedStartsPrograms(t *testing.T) {
	c := newBackupContainer(t)
	testenv.Script(t, c.Path("script.sh"), `echo >"$BACKUP_TEMP_DIR/../../ready"; exec sleep 1000`)
	c.backupScript("hang.sh")
	ready := c.Path("storage/backup/ready")
	runs := func() bool { return testenv.Exists(ready) }
	for _, s := range []unix.Signal{unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT} {
		code, said := c.execSignalled(s, "the script runs", runs, "backup")
		if code != 128+int(s) || !strings.Contains(said, "starting app") || strings.Contains(said, "goroutine") {
			t.Errorf("%s: exit code %d; it said\n%s", unix.SignalName(s), code, said)
		}
		c.wantRunning()
		if err := os.Remove(ready); err != nil {
			t.Fatal(err)
		}
	}

	// After SIGKILL somebody else starts them at once.
	code, _ := c.execSignalled(unix.SIGKILL, "the script runs", func() bool { return testenv.Exists(ready) }, "backup")
	if code != -1 {
		t.Errorf("exit code %d", code)
	}
	testenv.WaitFor(t, "nothing is held any more", func() bool { return len(testenv.Names(t, c.Path("run/stopped"))) == 0 })
	c.wantRunning()
	if said := testenv.Read(t, c.Path("storage/logs/supervisor/health_stderr.log")); !strings.Contains(said, "starting app, which is left stopped by process") {
		t.Errorf("the listener said\n%s", said)
	}

	// Where the listener is halted, the next run does, or the next check.
	if err := c.client().Stop(t.Context(), c.process("health")); err != nil {
		t.Fatal(err)
	}
	for _, next := range [][]string{{"restore", "nonesuch"}, {"check-readiness"}} {
		if err := os.Remove(ready); err != nil {
			t.Fatal(err)
		}
		c.execSignalled(unix.SIGKILL, "the script runs", func() bool { return testenv.Exists(ready) }, "backup")
		for _, kind := range []string{"liveness", "readiness"} {
			c.want(1, "app is STOPPED: it is left stopped by process", "health", kind)
		}
		c.want(0, "is left stopped by process", "status")
		c.exec(next...)
		c.wantRunning()
	}
}

// TestBackupWithoutAReader has nobody read what a backup says: backup | head.
func TestBackupWithoutAReader(t *testing.T) {
	c := newBackupContainer(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
	cmd := c.beside("backup")
	cmd.Stdout, cmd.Stderr = w, w
	err = cmd.Run()
	_ = w.Close()
	if err != nil {
		t.Errorf("the backup ended with %v", err)
	}
	c.wantRunning()
	if archives, _ := filepath.Glob(c.Path("storage/backup/backup-*.tar.gz")); len(archives) != 1 {
		t.Errorf("archives %q", archives)
	}
}

// TestKilledRestoreIsTakenBackFirst kills a restore whose new content is in place
// already. The program that it has stopped starts with the former content, whoever
// starts it.
func TestKilledRestoreIsTakenBackFirst(t *testing.T) {
	for name, next := range map[string]func(c *container){
		"start":   func(c *container) { c.want(0, "", "start", "app") },
		"restart": func(c *container) { c.want(0, "", "restart", "app") },
		"backup":  func(c *container) { c.want(0, "", "backup") },
		"listener": func(c *container) {
			if err := c.client().Start(c.t.Context(), c.process("health")); err != nil {
				c.t.Fatal(err)
			}
		},
		"the next start": func(c *container) {
			other := c.process("other").Pid
			c.life.Kill()
			_ = unix.Kill(other, unix.SIGKILL) // a container's end is everybody's
			c.start()
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newBackupContainer(t, "command = /bin/sh -c \"cat $STORAGE_DATA_DIR/f >$STORAGE_BASE_DIR/seen; exec sleep 1000\"")
			c.want(0, "", "backup")
			testenv.Write(t, c.Path("storage/data/f"), "newer data", 0o644)
			dir := c.Path("image/restore/scripts")
			testenv.Chmod(t, dir, 0o755)
			testenv.Script(t, filepath.Join(dir, "hang.sh"), "echo $$ >$STORAGE_BASE_DIR/hangs; exec sleep 1000")
			if err := c.client().Stop(t.Context(), c.process("health")); err != nil { // which would be first
				t.Fatal(err)
			}
			runs := func() bool { return strings.HasSuffix(testenv.ReadIfThere(t, c.Path("storage/hangs")), "\n") }
			c.execSignalled(unix.SIGKILL, "the script runs", runs, "restore")
			if got := testenv.Read(t, c.Path("storage/data/f")); got != "data" {
				t.Fatalf("the data of the restore is %q", got)
			}
			next(c)
			testenv.WaitFor(t, "app starts with the former data", func() bool { return testenv.ReadIfThere(t, c.Path("storage/seen")) == "newer data" })
			testenv.WaitFor(t, "nothing is held", func() bool { return len(testenv.Names(t, c.Path("run/stopped"))) == 0 })
			c.waitState("app", "RUNNING")
		})
	}
}
