package boot

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/test/testenv"
)

// asUser is how messages end that tell who may not write to a directory.
func asUser(dir string, owner, uid int) string {
	return fmt.Sprintf(" (%s belongs to uid %d, gid %d, mode 0755, and this process runs as uid %d, gid %d: give it to that user, or run as one who may write there)",
		dir, owner, owner, uid, uid)
}

// wantError compares what went wrong word by word.
func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
}

func withRunDir(dir string) *Boot {
	return &Boot{Config: config.Config{RunDir: dir, Socket: filepath.Join(filepath.Dir(dir), "socket")}}
}

func TestRunDir(t *testing.T) {
	dir := filepath.Join(testenv.Dir(t), "none", "deeper", "run")
	b := withRunDir(dir)
	check := func() {
		t.Helper()
		if err := b.prepareRunDir(); err != nil {
			t.Fatal(err)
		}
		wantModes(t, dir, map[string]fs.FileMode{
			".": fs.ModeDir | 0o711, "cron": fs.ModeDir | 0o755, "logging": fs.ModeDir | 0o755, "supervisord": fs.ModeDir | 0o755,
			"health/programs": fs.ModeDir | 0o755,
		})
		for _, sub := range []string{"cron", "health/programs", "stopped"} {
			if names := testenv.Names(t, filepath.Join(dir, sub)); len(names) > 0 {
				t.Errorf("%s holds %q of a former life", sub, names)
			}
		}
	}
	check()
	wantModes(t, dir, map[string]fs.FileMode{"..": fs.ModeDir | 0o755, "../..": fs.ModeDir | 0o755})

	for _, name := range []string{"cron/kubernetes", "health/programs/app.json", "stopped/person-0-0-app", "env", "log-level"} {
		testenv.Write(t, filepath.Join(dir, name), "old", 0o600)
	}
	testenv.Chmod(t, dir, 0o777)
	check()
	if testenv.Exists(dir + "/log-level") {
		t.Error("the level that was chosen for the last life holds in this one")
	}
	if got := testenv.Read(t, dir+"/env"); got != "old" {
		t.Errorf("the saved environment, which the next one is compared with, is %q", got)
	}
}

func TestRefusedRunDir(t *testing.T) {
	testenv.NotQuick(t)
	dir := testenv.Dir(t)
	testenv.Mkdir(t, dir+"/target")
	testenv.Symlink(t, "target", dir+"/link")
	testenv.Symlink(t, "nowhere", dir+"/dangling")
	testenv.Write(t, dir+"/file", "", 0o600)
	testenv.Mkdir(t, dir+"/theirs")
	testenv.Chown(t, dir+"/theirs", 500)
	for name, want := range map[string]string{
		"link":     "IMAGE_RUN_DIR=DIR is a link, which somebody else may have put there: remove it, or name another directory",
		"link/":    "IMAGE_RUN_DIR=DIR is a link, which somebody else may have put there: remove it, or name another directory",
		"dangling": "IMAGE_RUN_DIR=DIR is a link, which somebody else may have put there: remove it, or name another directory",
		"file":     "IMAGE_RUN_DIR=DIR is no directory: remove it, or name another one",
		"theirs":   "IMAGE_RUN_DIR=DIR belongs to uid 500 and this process runs as uid 0: remove it, or name another directory",
		"file/run": "IMAGE_RUN_DIR cannot be used: mkdir DIR: not a directory (PARENT is no directory)",
	} {
		path := filepath.Join(dir, name)
		wantError(t, withRunDir(dir+"/"+name).prepareRunDir(), strings.NewReplacer("DIR=DIR", "DIR="+path, "mkdir DIR", "mkdir "+dir+"/file", "PARENT", dir+"/file").Replace(want))
	}
	if names := testenv.Names(t, dir+"/target"); len(names) > 0 {
		t.Errorf("%q lie where the link leads", names)
	}
	if mode := testenv.Mode(t, dir+"/theirs"); mode != fs.ModeDir|0o755 {
		t.Errorf("mode %s of another user's directory", mode)
	}
}

func TestRunDirAsAnotherUser(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, dir string) {
		testenv.Mkdir(t, dir+"/theirs")
		testenv.Mkdir(t, dir+"/mine/run/cron")
		testenv.Chown(t, dir+"/mine", 500)
		testenv.Chown(t, dir+"/mine/run/cron", 0)
		testenv.Write(t, dir+"/mine/run/cron/kubernetes", "", 0o644)
		testenv.Mount(t, "tmpfs", dir+"/readonly", "tmpfs", unix.MS_RDONLY, "")
		testenv.Become(t, 500)
		for name, want := range map[string]string{
			"theirs":       "IMAGE_RUN_DIR=" + dir + "/theirs belongs to uid 0 and this process runs as uid 500: remove it, or name another directory",
			"run":          "IMAGE_RUN_DIR cannot be used: mkdir " + dir + "/run: permission denied" + asUser(dir, 0, 500),
			"none/run":     "IMAGE_RUN_DIR cannot be used: mkdir " + dir + "/none: permission denied" + asUser(dir, 0, 500),
			"readonly/run": "IMAGE_RUN_DIR cannot be used: mkdir " + dir + "/readonly/run: read-only file system (mount a volume or a tmpfs there)",
		} {
			wantError(t, withRunDir(dir+"/"+name).prepareRunDir(), want)
		}
		if err := withRunDir(dir + "/mine/new").prepareRunDir(); err != nil {
			t.Error(err)
		}
		err := withRunDir(dir + "/mine/run").prepareRunDir()
		wantError(t, err, "IMAGE_RUN_DIR cannot be used: remove "+dir+"/mine/run/cron/kubernetes: permission denied"+asUser(dir+"/mine/run/cron", 0, 500))
	})
}

func TestSecondLife(t *testing.T) {
	c := newContainer(t, testenv.NewTree(t))
	c.step("run.always", "10-a.sh", "")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: c.Config.Socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	c.fail("supervisord already runs at " + c.Config.Socket + ": use that container's programs, or name another IMAGE_SUPERVISOR_SOCKET")
	c.wantSteps()
	if testenv.Exists(c.Config.RunDir) || !testenv.Exists(c.Config.Socket) {
		t.Error("a refused start left a mark")
	}
	listener.SetUnlinkOnClose(false)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if !testenv.Exists(c.Config.Socket) {
		t.Fatal("there is no dead socket")
	}
	c.start()
	if testenv.Exists(c.Config.Socket) {
		t.Error("the dead socket is still there")
	}
}

func TestLeftovers(t *testing.T) {
	c := newContainer(t, testenv.NewTree(t), "PROCESS_PID_DIR="+testenv.Dir(t))
	old := map[string][]string{
		c.Config.ProcessPIDDir:   {"supervisor.app.pid", ".supervisor.app.pid.123", "supervisor.txt", "other.pid"},
		c.Config.ProcessStateDir: {"supervisor.app.state", ".supervisor.app.state.123", "supervisor.txt", "other.pid"},
	}
	for dir, names := range old {
		for _, name := range names {
			testenv.Write(t, filepath.Join(dir, name), "", 0o644)
		}
	}
	testenv.Write(t, c.Config.PIDFile, "1", 0o644)
	testenv.Write(t, c.Config.Socket, "", 0o644)
	c.onRestore = func(context.Context) {
		if !testenv.Exists(c.Config.PIDFile) {
			t.Error("the pid file went before the first start was over")
		}
	}
	c.onExec = func(_, _ []string) error {
		for dir := range old {
			if got := testenv.Names(t, dir); !slices.Equal(got, []string{"other.pid", "supervisor.txt"}) {
				t.Errorf("%s holds %q at the exec", dir, got)
			}
		}
		return nil
	}
	c.start()

	c.log.Take()
	testenv.Write(t, c.Config.PIDFile+"/x", "", 0o644)
	c.onExec = nil
	c.fail("cannot remove IMAGE_SUPERVISOR_PIDFILE=" + c.Config.PIDFile + " of a former life: remove " + c.Config.PIDFile + ": directory not empty")
}

func TestRunDirOfOtherThings(t *testing.T) {
	dir := testenv.Dir(t)
	testenv.Write(t, dir+"/home/letter.txt", "", 0o644)
	testenv.Write(t, dir+"/home/health/mine", "", 0o644)
	testenv.Mkdir(t, dir+"/tmp")
	if err := os.Chmod(dir+"/tmp", 0o777|fs.ModeSticky); err != nil {
		t.Fatal(err)
	}
	c := newContainer(t, testenv.NewTree(t))
	for runDir, want := range map[string]string{
		dir + "/home":    "IMAGE_RUN_DIR=" + dir + "/home holds other things (letter.txt): name a directory of its own, which need not exist",
		dir + "/tmp":     "IMAGE_RUN_DIR=" + dir + "/tmp is a directory for everybody (its sticky bit is set): name one below it",
		c.Config.BaseDir: "holds other things (",
	} {
		wantErrorWith(t, withRunDir(runDir).prepareRunDir(), want)
	}
	if !testenv.Exists(dir+"/home/health/mine") || testenv.Mode(t, dir+"/tmp")&fs.ModeSticky == 0 {
		t.Error("a refused directory was changed")
	}

	// A start that was killed while it made the directory has left names of ours,
	// and steps may keep files in one that is complete.
	testenv.Mkdir(t, dir+"/half/cron")
	for range 2 {
		if err := withRunDir(dir + "/half").prepareRunDir(); err != nil {
			t.Error(err)
		}
		testenv.Write(t, dir+"/half/app.conf", "", 0o644)
	}
}

func wantErrorWith(t *testing.T, err error, text string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("error %v, want one with %q", err, text)
	}
}

func TestDirectoriesThatCannotBeWritten(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, dir string) {
		testenv.Mkdir(t, dir+"/logs")
		testenv.Mkdir(t, dir+"/mine")
		testenv.Chown(t, dir+"/mine", 500)
		testenv.Become(t, 500)
		c := newContainer(t, testenv.NewTreeAt(t, dir+"/mine"), "SUPERVISOR_LOGS_DIR="+dir+"/logs")
		wantError(t, c.Run(t.Context(), Command{}), "cannot write to "+dir+"/logs (SUPERVISOR_LOGS_DIR): permission denied"+asUser(dir+"/logs", 0, 500))
	})
}
