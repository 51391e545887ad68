package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/abrander/go-supervisord"
	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/supervisor"
	"github.com/ZPascal/container-manager/test/testenv"
)

// container is one with a real supervisord, and others of our commands run beside it.
type container struct {
	*testenv.Container
	t    *testing.T
	life *testenv.Life // nil until it is started
}

// newContainer returns one that does not run yet.
func newContainer(t *testing.T, environ ...string) *container {
	t.Helper()
	t.Parallel()
	return &container{t: t, Container: testenv.NewContainer(t, 0, nil, append([]string{
		"IMAGE_CRON_ENABLED=1", "IMAGE_BACKUP_ENABLED=false", "IMAGE_HEALTH_GRACE=0", "IMAGE_HEALTH_LIVENESS_CHECK_ENABLED=true",
	}, environ...)...)}
}

// program adds a program to the image; options are lines of its section.
func (c *container) program(name string, options ...string) {
	c.t.Helper()
	section := "[program:" + name + "]\nstartsecs = 0\nstdout_logfile = NONE\nredirect_stderr = true\n" + strings.Join(options, "\n") + "\n"
	testenv.Write(c.t, c.Path("image/supervisord/conf.d", name+".conf"), section, 0o644)
}

// start runs the container until the test ends.
func (c *container) start(args ...string) { c.life = c.Run(args...) }

// beside returns a command of ours as docker exec runs it: it knows nothing but where
// to find the container.
func (c *container) beside(args ...string) *exec.Cmd {
	bin := testenv.Programs(c.t)
	cmd := exec.CommandContext(c.t.Context(), filepath.Join(bin, "container-manager"), args...)
	cmd.Env = []string{"PATH=" + bin + ":/usr/bin:/bin", "IMAGE_RUN_DIR=" + c.Path("run")}
	return cmd
}

// exec runs a command beside the programs, as docker exec does, and returns its
// exit code and what it said.
func (c *container) exec(args ...string) (code int, said string) {
	c.t.Helper()
	return c.execSignalled(0, "", nil, args...)
}

// execSignalled sends the command a signal when something holds.
func (c *container) execSignalled(signal unix.Signal, what string, holds func() bool, args ...string) (code int, said string) {
	c.t.Helper()
	cmd := c.beside(args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	if signal != 0 {
		testenv.WaitFor(c.t, what, holds)
		_ = cmd.Process.Signal(signal)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
		c.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String()
}

// want runs a command and fails unless it ends and says so.
func (c *container) want(code int, text string, args ...string) {
	c.t.Helper()
	got, said := c.exec(args...)
	if got != code || !strings.Contains(said, text) {
		c.t.Errorf("%s: exit code %d, want %d; it said\n%s\nwant %q", strings.Join(args, " "), got, code, said, text)
	}
}

// supervisorctl runs supervisorctl as a person does.
func (c *container) supervisorctl(args ...string) {
	c.t.Helper()
	args = append([]string{"-c", c.Path("run/supervisord/global.conf")}, args...)
	if out, err := c.Command("supervisorctl", args...).CombinedOutput(); err != nil {
		c.t.Errorf("supervisorctl %s: %v: %s", strings.Join(args[2:], " "), err, out)
	}
}

func (c *container) client() supervisor.Client {
	return supervisor.AtSocket(c.Path("tmp/supervisord.sock"))
}

// process returns what supervisord knows of a program; nothing while it cannot
// be asked.
func (c *container) process(name string) supervisord.ProcessInfo {
	all, err := c.client().Processes(context.Background())
	if selected := supervisor.Select(all, name); err == nil && len(selected) > 0 {
		return selected[0]
	}
	return supervisord.ProcessInfo{}
}

func (c *container) waitState(name, want string) supervisord.ProcessInfo {
	c.t.Helper()
	var p supervisord.ProcessInfo
	testenv.WaitFor(c.t, name+" is "+want, func() bool {
		p = c.process(name)
		return p.StateName == want
	})
	return p
}

// spawned is how often supervisord has started a program.
func (c *container) spawned(name string) int {
	log, _ := os.ReadFile(c.Path("storage/logs/supervisor/supervisord.log"))
	return strings.Count(string(log), "spawned: '"+name+"'")
}

// age waits until a program was not started in this second.
func (c *container) age(name string) {
	c.t.Helper()
	testenv.WaitFor(c.t, name+" is older than this second", func() bool {
		p := c.process(name)
		return p.Now > p.Start
	})
}
