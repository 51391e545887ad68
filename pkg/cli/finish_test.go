package cli

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/test/testenv"
)

// newFinishingContainer returns a container without a main program, with scripts of
// run.finish by name.
func newFinishingContainer(t *testing.T, scripts map[string]string, environ ...string) *container {
	t.Helper()
	c := newContainer(t, append(environ, "IMAGE_CRON_ENABLED=false")...)
	testenv.Script(t, c.Path("image/app/app.sh"), "echo $$ >$STORAGE_BASE_DIR/app.pid\nexec sleep 1000")
	c.program("app", "command = %(ENV_IMAGE_APP_DIR)s/app.sh", "autorestart = false")
	for name, script := range scripts {
		testenv.Script(t, c.Path("image/setup/run.finish", name), script)
	}
	return c
}

// finishes has a script note that it runs, and whether app does so still.
func finishes(name string) string {
	return "echo " + name + "$([ ! -d /proc/$(cat $STORAGE_BASE_DIR/app.pid) ] || echo ' too soon') >>$STORAGE_BASE_DIR/finished\n"
}

// supervisordPID is the process id of supervisord.
func (c *container) supervisordPID() int {
	c.t.Helper()
	pid, err := strconv.Atoi(strings.TrimSpace(testenv.Read(c.t, c.Path("tmp/supervisord.pid"))))
	if err != nil {
		c.t.Fatal(err)
	}
	return pid
}

// waitApp waits until app runs.
func (c *container) waitApp() {
	c.t.Helper()
	c.waitState("app", "RUNNING")
	testenv.WaitFor(c.t, "app is the program", func() bool { return testenv.ReadIfThere(c.t, c.Path("storage/app.pid")) != "" })
}

func (c *container) wantFinished(status int, finished string) {
	c.t.Helper()
	if got := c.life.End(); got != status {
		c.t.Errorf("it ended with %d, want %d", got, status)
	}
	if got := testenv.ReadIfThere(c.t, c.Path("storage/finished")); got != finished {
		c.t.Errorf("at the end there ran %q, want %q", got, finished)
	}
	if left := c.left(); len(left) > 0 {
		c.t.Errorf("processes are left: %v", left)
	}
}

func TestFinish(t *testing.T) {
	for name, test := range map[string]struct {
		environ string
		end     func(c *container)
		status  int
	}{
		"SIGTERM":               {"A=B", func(c *container) { c.life.Signal(unix.SIGTERM) }, 0},
		"SIGINT":                {"A=B", func(c *container) { c.life.Signal(unix.SIGINT) }, 0},
		"supervisord is killed": {"A=B", func(c *container) { _ = unix.Kill(c.supervisordPID(), unix.SIGKILL) }, 137},
		"supervisorctl shutdown": {"A=B", func(c *container) {
			if out, err := c.Command("supervisorctl", "-c", c.Path("run/supervisord/global.conf"), "shutdown").CombinedOutput(); err != nil {
				c.t.Errorf("%v\n%s", err, out)
			}
		}, 0},
		"an essential program has ended": {"IMAGE_ESSENTIAL_PROGRAMS=app", func(c *container) { _ = unix.Kill(c.process("app").Pid, unix.SIGKILL) }, 11},
	} {
		t.Run(name, func(t *testing.T) {
			c := newFinishingContainer(t, map[string]string{"10-first.sh": finishes("first") + "exit 7", "20-second.sh": finishes("second"), "helper.sh": finishes("helper")}, test.environ)
			c.start()
			c.waitApp()
			if c.supervisordPID() == c.life.FirstPID() {
				t.Error("nobody is there to run what runs at the end")
			}
			test.end(c)
			c.wantFinished(test.status, "first\nsecond\n")
			if said := c.life.Output.String(); !strings.Contains(said, "10-first.sh") || !strings.Contains(said, "ended with exit status 7") {
				t.Errorf("it said\n%s", said)
			}
		})
	}
}

// Without anything to run at the end, supervisord takes the place of run.
func TestNothingToFinish(t *testing.T) {
	c := newFinishingContainer(t, map[string]string{"helper.sh": finishes("helper")})
	testenv.Write(t, c.Path("image/setup/run.finish/10-off.sh"), "", 0o755)
	c.start()
	c.waitApp()
	if pid := c.supervisordPID(); pid != c.life.FirstPID() {
		t.Errorf("supervisord is process %d, and not the first one, %d", pid, c.life.FirstPID())
	}
	c.life.Signal(unix.SIGTERM)
	c.wantFinished(0, "")
}

// No script keeps the container from ending.
func TestFinishTimeout(t *testing.T) {
	const stubborn = "trap '' TERM INT; while :; do sleep 0.05; done"
	for name, script := range map[string]string{
		"hangs":            "exec sleep 1000",
		"has to be killed": stubborn,
		"prints for ever":  "exec yes",
		"leaves a child":   "(" + stubborn + ") & wait",
	} {
		t.Run(name, func(t *testing.T) {
			c := newFinishingContainer(t, map[string]string{"10-first.sh": finishes("first"), "20-long.sh": script, "30-last.sh": finishes("last")}, "IMAGE_FINISH_TIMEOUT=500ms")
			c.start()
			c.waitApp()
			c.life.Signal(unix.SIGTERM)
			c.wantFinished(0, "first\n")
			want := fmt.Sprintf("not everything of %s has run, it ended at 20-long.sh: 500ms are over (IMAGE_FINISH_TIMEOUT)", c.Path("image/setup/run.finish"))
			if !strings.Contains(c.life.Output.String(), want) {
				t.Errorf("it does not say %q", want)
			}
		})
	}
}

// Another signal ends what runs at the end.
func TestFinishAndASignal(t *testing.T) {
	c := newFinishingContainer(t, map[string]string{"10-long.sh": ": >$STORAGE_BASE_DIR/finishing; exec sleep 1000", "20-last.sh": finishes("last")})
	c.start()
	c.waitApp()
	c.life.Signal(unix.SIGTERM)
	testenv.WaitFor(t, "the script runs", func() bool { return testenv.Exists(c.Path("storage/finishing")) })
	c.life.Signal(unix.SIGTERM)
	c.wantFinished(0, "")
}

// A start that fails has nothing to finish.
func TestFailedStartAndFinish(t *testing.T) {
	c := newFinishingContainer(t, map[string]string{"10-first.sh": finishes("first")})
	testenv.Script(t, c.Path("image/setup/run.always/90-fails.sh"), "echo out of order; exit 3")
	words := c.Path("storage/last-words")
	testenv.Write(t, words, "", 0o644)
	c.Setenv("IMAGE_TERMINATION_LOG=" + words)
	c.start()
	c.wantFinished(1, "")
	if got := testenv.Read(t, words); !strings.Contains(got, "step 90-fails.sh of run.always failed: ") || !strings.Contains(got, "out of order") {
		t.Errorf("its last words are %q", got)
	}
}
