package cli

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/test/testenv"
)

// newMainContainer returns a container whose main program is app: a shell that
// runs a script, which may wait for files in the storage.
func newMainContainer(t *testing.T, script string, options ...string) *container {
	t.Helper()
	c := newContainer(t, "IMAGE_MAIN_PROGRAM=app", "IMAGE_CRON_ENABLED=false")
	testenv.Script(t, c.Path("image/app/app.sh"), script)
	c.program("app", append([]string{"command = %(ENV_IMAGE_APP_DIR)s/app.sh"}, options...)...)
	c.program("other", sleeper)
	testenv.Script(t, c.Path("image/setup/run.finish/10-first.sh"), "echo first $IMAGE_MAIN_PROGRAM >>$STORAGE_BASE_DIR/finished; exit 7")
	testenv.Script(t, c.Path("image/setup/run.finish/20-second.sh"), "echo second >>$STORAGE_BASE_DIR/finished")
	return c
}

// wantEnd waits for the container's end and fails unless it is as expected.
func (c *container) wantEnd(status int) {
	c.t.Helper()
	if got := c.life.End(); got != status {
		c.t.Errorf("it ended with %d, want %d", got, status)
	}
	if got := testenv.Read(c.t, c.Path("storage/finished")); got != "first app\nsecond\n" {
		c.t.Errorf("at the end there ran %q", got)
	}
	if left := c.left(); len(left) > 0 {
		c.t.Errorf("processes are left: %v", left)
	}
}

// left returns the processes that have the container's environment.
func (c *container) left() []string {
	var left []string
	for _, name := range testenv.Names(c.t, "/proc") {
		environ, err := os.ReadFile("/proc/" + name + "/environ")
		if err == nil && strings.Contains(string(environ), "IMAGE_RUN_DIR="+c.Path("run")+"\x00") {
			command, _ := os.ReadFile("/proc/" + name + "/cmdline")
			left = append(left, name+" "+strings.ReplaceAll(string(command), "\x00", " "))
		}
	}
	return left
}

const untilSick = "while [ ! -e $STORAGE_BASE_DIR/sick ]; do sleep 0.02; done\n"

func TestMainProgramEnds(t *testing.T) {
	for name, test := range map[string]struct {
		script  string
		options []string
		status  int
	}{
		"with 0":            {untilSick + "exit 0", []string{"autorestart = false", "startsecs = 1"}, 0},
		"with 3":            {untilSick + "exit 3", []string{"autorestart = false"}, 3},
		"as it is expected": {untilSick + "exit 5", []string{"autorestart = unexpected", "exitcodes = 5"}, 5},
		"by SIGKILL":        {untilSick + "kill -9 $$", []string{"autorestart = false"}, 137},
		"by SIGSEGV":        {untilSick + "kill -SEGV $$", []string{"autorestart = false"}, 139},
		"by a signal of its own": {
			untilSick + "kill -40 $$", []string{"autorestart = false"}, 168,
		},
		"too soon":                 {untilSick + "exit 4", []string{"startsecs = 1000", "startretries = 0"}, 4},
		"too soon, with 0":         {untilSick + "exit 0", []string{"startsecs = 1000", "startretries = 0"}, 1},
		"without a child's output": {untilSick + "(sleep 1000 &)\nexit 6", []string{"autorestart = false", "redirect_stderr = false"}, 6},
	} {
		t.Run(name, func(t *testing.T) {
			c := newMainContainer(t, test.script, test.options...)
			c.start()
			up := "RUNNING"
			if strings.HasPrefix(name, "too soon") {
				up = "STARTING"
			}
			c.waitState("app", up)
			testenv.Write(t, c.Path("storage/sick"), "", 0o644)
			c.wantEnd(test.status)
		})
	}
	t.Run("before it begins", func(t *testing.T) {
		c := newMainContainer(t, "")
		c.program("app", "command = /nowhere/app", "startretries = 1")
		c.start()
		c.wantEnd(1)
		if said := c.life.Output.String(); !strings.Contains(said, "app is FATAL: can't find command '/nowhere/app': the container ends") {
			t.Errorf("it said\n%s", said)
		}
	})
}

func TestMainProgramThatIsStartedAgain(t *testing.T) {
	c := newMainContainer(t, "exec sleep 1000", "autorestart = true")
	c.start()
	for i := range 5 {
		before := c.waitState("app", "RUNNING")
		if err := unix.Kill(before.Pid, unix.SIGKILL); err != nil {
			t.Fatal(err)
		}
		testenv.WaitFor(t, "app was started again", func() bool { return c.spawned("app") == i+2 })
	}
	// Stopped, it has not ended.
	c.waitState("app", "RUNNING")
	c.want(0, "", "stop", "app")
	c.want(0, "", "start", "app")
	c.want(0, "", "restart", "app")
	// supervisord's reload stops and starts everything.
	before := c.waitState("app", "RUNNING").Pid
	c.life.Signal(unix.SIGHUP)
	testenv.WaitFor(t, "supervisord has reloaded", func() bool {
		p := c.process("app")
		return p.StateName == "RUNNING" && p.Pid != before
	})
	// A signal that supervisord does not know ends nothing.
	for _, s := range []unix.Signal{unix.SIGUSR1, unix.SIGALRM, unix.SIGUSR2, unix.SIGWINCH, 40} {
		c.life.Signal(s)
	}
	testenv.WaitFor(t, "SIGUSR2 has reached supervisord", func() bool {
		return strings.Contains(c.life.Output.String(), "received SIGUSR2 indicating log reopen request")
	})
	c.waitState("app", "RUNNING")
	c.life.Signal(unix.SIGTERM)
	c.wantEnd(143)
}

func TestMainProgramAndSIGTERM(t *testing.T) {
	for name, test := range map[string]struct {
		script string
		status int
	}{
		"dies of it":       {": >$STORAGE_BASE_DIR/up; exec sleep 1000", 143},
		"ends with 0":      {"trap 'exit 0' TERM; : >$STORAGE_BASE_DIR/up; while :; do sleep 0.02; done", 0},
		"ends with 9":      {"trap 'exit 9' TERM; : >$STORAGE_BASE_DIR/up; while :; do sleep 0.02; done", 9},
		"has to be killed": {"trap '' TERM; : >$STORAGE_BASE_DIR/up; while :; do sleep 0.02; done", 137},
	} {
		t.Run(name, func(t *testing.T) {
			c := newMainContainer(t, test.script, "stopwaitsecs = 1")
			c.start()
			testenv.WaitFor(t, "app is up", func() bool { return testenv.Exists(c.Path("storage/up")) })
			c.waitState("app", "RUNNING")
			c.life.Signal(unix.SIGTERM)
			c.wantEnd(test.status)
		})
	}
}

// TestOrphans has the main program leave thousands of them behind.
func TestOrphans(t *testing.T) {
	const orphans = 3000
	c := newMainContainer(t, fmt.Sprintf(`/usr/bin/python3 - <<'END'
import os, time
for i in range(%d):
    if os.fork() == 0:
        if os.fork() == 0:
            os._exit(0)
        os._exit(0)
    os.wait()
END
(setsid sh -c 'trap "" TERM; echo $$ >$STORAGE_BASE_DIR/daemon; while :; do sleep 0.05; done' >/dev/null 2>&1 &)
: >$STORAGE_BASE_DIR/up
`, orphans)+untilSick+"exit 0", "autorestart = false")
	c.start()
	testenv.WaitFor(t, "the orphans are made", func() bool {
		return testenv.Exists(c.Path("storage/up")) && testenv.Exists(c.Path("storage/daemon"))
	})
	testenv.WaitFor(t, "all of them are reaped", func() bool { return zombies(c.life.FirstPID()) == 0 })
	c.waitState("app", "RUNNING")
	testenv.Write(t, c.Path("storage/sick"), "", 0o644)
	c.wantEnd(0)
	daemon, err := strconv.Atoi(strings.TrimSpace(testenv.Read(t, c.Path("storage/daemon"))))
	if err != nil || unix.Kill(daemon, 0) == nil {
		t.Errorf("the daemon %d outlives the container (%v)", daemon, err)
	}
}

// zombies is how many children of a process wait to be reaped.
func zombies(parent int) int {
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", parent, parent))
	n := 0
	for _, pid := range strings.Fields(string(children)) {
		stat, _ := os.ReadFile("/proc/" + pid + "/stat")
		if strings.Contains(string(stat), ") Z ") {
			n++
		}
	}
	return n
}

func TestMainProgramWithoutSupervisord(t *testing.T) {
	c := newMainContainer(t, "exec sleep 1000")
	c.start()
	c.waitState("app", "RUNNING")
	pid, err := strconv.Atoi(strings.TrimSpace(testenv.Read(t, c.Path("tmp/supervisord.pid"))))
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Kill(pid, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	c.wantEnd(137)
}

func TestMainProgramThatThereIsNot(t *testing.T) {
	c := newMainContainer(t, "exec sleep 1000")
	c.Setenv("IMAGE_MAIN_PROGRAM=web")
	c.start()
	code, said := c.life.End(), c.life.Output.String()
	if code != 2 || !strings.Contains(said, `IMAGE_MAIN_PROGRAM="web": there is no [program:web]`) {
		t.Errorf("exit code %d; it said\n%s", code, said)
	}
}

func TestMainProgramAndACommand(t *testing.T) {
	c := newMainContainer(t, "exec sleep 1000")
	c.start("sh", "-c", "echo in its place; exit 5")
	code, said := c.life.End(), c.life.Output.String()
	if code != 5 || !strings.Contains(said, "in its place") {
		t.Errorf("exit code %d; it said\n%s", code, said)
	}
}
