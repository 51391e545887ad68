package testenv

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Users are who containers run as, by name. Tests run as root and become the
// other one.
var Users = map[string]int{"root": 0, "kubernetes": 500}

// Container is the real binary as the entry point of an image tree with a storage,
// without a container around it. It can be started again and again.
type Container struct {
	Tree
	UID    int
	Stdout *os.File // its standard output, where that is not its life's Output

	t       testing.TB
	environ []string
}

// NewContainer lays out the tree with files of a child image, by their path below
// Root, and gives it to the user. Its cron is off. The environment has only what
// every container has, and the given entries, which win.
func NewContainer(t testing.TB, uid int, files map[string]string, environ ...string) *Container {
	t.Helper()
	c := &Container{Tree: NewTree(t), UID: uid, t: t}
	for name, content := range files {
		Write(t, c.Path(name), content, 0o755)
	}
	if uid != 0 {
		Chown(t, c.Root, uid)
	}
	c.environ = append(c.Environ("PATH="+Programs(t)+":/usr/bin:/bin:/usr/sbin:/sbin", "IMAGE_CRON_ENABLED=0"), environ...)
	return c
}

// Setenv adds entries to the environment of the next lives; they win.
func (c *Container) Setenv(entries ...string) { c.environ = append(c.environ, entries...) }

// Getenv returns the value of a variable of the container's environment.
func (c *Container) Getenv(name string) (value string) {
	for _, entry := range c.environ {
		if v, ok := strings.CutPrefix(entry, name+"="); ok {
			value = v
		}
	}
	return value
}

// Command returns a command of the container's user with its environment.
func (c *Container) Command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Env, cmd.Dir = c.environ, c.Root
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if c.UID != 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(c.UID), Gid: uint32(c.UID)}
	}
	return cmd
}

// Manager returns a command of container-manager: Manager("restart", "app").
func (c *Container) Manager(args ...string) *exec.Cmd {
	return c.Command(filepath.Join(Programs(c.t), "container-manager"), args...)
}

// PID waits until supervisord's event listener has noted a program's process that
// runs, and returns its id.
func (c *Container) PID(program string) (pid int) {
	c.t.Helper()
	WaitFor(c.t, program+" runs", func() bool {
		_, err := fmt.Sscan(ReadIfThere(c.t, c.Path("tmp/supervisor."+program+".pid")), &pid)
		return err == nil && pid > 0 && Alive(pid)
	})
	return pid
}

// Life is one life of a container: its first process, and what it prints.
type Life struct {
	*Container
	Output Buffer

	cmd   *exec.Cmd
	ended chan struct{}
}

// Start starts the container and waits until its programs run.
func (c *Container) Start() *Life {
	c.t.Helper()
	l := c.Run()
	WaitFor(c.t, "the programs run", func() bool {
		if l.over() {
			c.t.Fatalf("the container has ended:\n%s", l.Output.String())
		}
		return strings.Contains(l.Output.String(), " running, ")
	})
	return l
}

// Run starts the container with a command, without one with supervisord. It is
// stopped at the end of the test, and what it printed is shown when the test fails.
func (c *Container) Run(command ...string) *Life {
	c.t.Helper()
	l := &Life{Container: c, cmd: c.Manager(append([]string{"run"}, command...)...), ended: make(chan struct{})}
	l.cmd.Stdout, l.cmd.Stderr = &l.Output, &l.Output
	if c.Stdout != nil {
		l.cmd.Stdout = c.Stdout
	}
	// Programs that outlive a killed supervisord may hold the output.
	l.cmd.WaitDelay = 5 * time.Second
	check(c.t, l.cmd.Start())
	go func() {
		_ = l.cmd.Wait()
		close(l.ended)
	}()
	c.t.Cleanup(func() {
		l.Stop()
		if c.t.Failed() {
			c.t.Logf("the container said\n%s", l.Output.String())
		}
	})
	return l
}

// FirstPID is the id of the container's first process.
func (l *Life) FirstPID() int { return l.cmd.Process.Pid }

// Signal sends the first process a signal.
func (l *Life) Signal(s syscall.Signal) { _ = l.cmd.Process.Signal(s) }

// Says waits for a text in the output.
func (l *Life) Says(text string) {
	l.t.Helper()
	WaitFor(l.t, fmt.Sprintf("the output %q", text), func() bool { return strings.Contains(l.Output.String(), text) })
}

// Stop ends the life as docker stop does, and returns its exit status.
func (l *Life) Stop() int {
	l.t.Helper()
	l.Signal(syscall.SIGTERM)
	return l.End()
}

// Kill kills the first process alone.
func (l *Life) Kill() {
	l.t.Helper()
	l.Signal(syscall.SIGKILL)
	l.End()
}

// End waits for the end and returns the exit status, -1 for a signal. Meanwhile it
// wakes supervisord, which otherwise looks at its programs once a second.
func (l *Life) End() int {
	l.t.Helper()
	WaitFor(l.t, "the end of the container", func() bool {
		if !l.over() {
			if conn, err := net.Dial("unix", l.Getenv("IMAGE_SUPERVISOR_SOCKET")); err == nil {
				_ = conn.Close()
			}
		}
		return l.over()
	})
	return l.cmd.ProcessState.ExitCode()
}

func (l *Life) over() bool {
	select {
	case <-l.ended:
		return true
	default:
		return false
	}
}
