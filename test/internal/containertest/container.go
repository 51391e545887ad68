package containertest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Options say how a container runs.
type Options struct {
	User     string   // UID or UID:GID; else the image's
	ReadOnly bool     // the root file system; /tmp is writable
	Env      []string // NAME=value
	Volume   string   // at /storage, a name or a directory; else a new one
	Flags    []string // more for podman create
	Args     []string // behind the image's name
}

// Container is one container, which is deleted when its test ends.
type Container struct {
	p    *Podman
	Name string
	log  string // the file that it logs to
	from int    // where the log of this life begins
}

// New returns the podman of this process, with all images that are kept.
func New(t testing.TB) *Podman {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("containers run as several users, which needs root: run sudo make test")
	}
	dir := os.Getenv(dirVariable)
	if dir == "" {
		t.Fatal("the package's TestMain does not call containertest.Main")
	}
	p, err := open(t.Context(), dir, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// open makes the images that are missing.
func open(ctx context.Context, dir string, say func(string, ...any)) (*Podman, error) {
	base, key, err := bases(ctx, say)
	if err != nil {
		return nil, err
	}
	image, err := baseImage(ctx, say, base, key)
	if err != nil {
		return nil, err
	}
	return newPodman(dir, base, image)
}

// Podman runs podman and returns what it printed; a failure ends the test.
func (p *Podman) Podman(t testing.TB, args ...string) string {
	t.Helper()
	out, err := p.Output(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out)
}

// Build builds a child image from a directory with a Dockerfile and returns its
// name. More arguments are podman build's.
func (p *Podman) Build(t testing.TB, dir string, args ...string) string {
	t.Helper()
	name := "localhost/" + unique(t)
	args = append(append([]string{"--tag=" + name}, args...), dir)
	if _, err := p.build(t.Context(), args...); err != nil {
		t.Fatal(err)
	}
	return name
}

// Run creates and starts a container.
func (p *Podman) Run(t testing.TB, image string, o Options) *Container {
	t.Helper()
	c := p.Create(t, image, o)
	c.Start(t)
	return c
}

// Create creates a container. When its test fails, its log is shown.
func (p *Podman) Create(t testing.TB, image string, o Options) *Container {
	t.Helper()
	c := &Container{p: p, Name: unique(t)}
	args := []string{"create", "--name=" + c.Name, "--pull=never"}
	if o.User != "" {
		args = append(args, "--user="+o.User)
	}
	if o.ReadOnly {
		args = append(args, "--read-only", "--read-only-tmpfs=false", o.tmpfs())
	}
	for _, variable := range o.Env {
		args = append(args, "--env="+variable)
	}
	if o.Volume == "" {
		o.Volume = p.Volume(t)
	}
	args = append(append(args, "--volume="+o.Volume+":/storage"), o.Flags...)
	p.Podman(t, append(append(args, image), o.Args...)...)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the log of %s:\n%s", c.Name, c.read(0))
		}
		ctx := context.WithoutCancel(t.Context())
		if _, err := p.Output(ctx, "rm", "--force", "--time=0", "--volumes", c.Name); err != nil {
			t.Error(err)
		}
	})
	c.log = c.Inspect(t, "{{.HostConfig.LogConfig.Path}}")
	return c
}

// tmpfs is /tmp as podman mounts it: with what the image has there, as it is. runc
// leaves only its owner the right to write to a directory of it, so an arbitrary user
// gets the empty one of Docker and Kubernetes.
func (o Options) tmpfs() string {
	switch o.User {
	case "", "0", "500":
		return "--tmpfs=/tmp"
	}
	return "--tmpfs=/tmp:notmpcopyup"
}

// Volume creates a volume, as any user of group 0 may write it who runs an image
// of ours.
func (p *Podman) Volume(t testing.TB) string {
	t.Helper()
	name := unique(t)
	p.Podman(t, "volume", "create", name)
	t.Cleanup(func() {
		if _, err := p.Output(context.WithoutCancel(t.Context()), "volume", "rm", "--force", name); err != nil {
			t.Error(err)
		}
	})
	return name
}

// VolumePath returns where a volume lies on this machine.
func (p *Podman) VolumePath(t testing.TB, name string) string {
	t.Helper()
	return p.Podman(t, "volume", "inspect", "--format={{.Mountpoint}}", name)
}

// Start starts it, for the first time or once more.
func (c *Container) Start(t testing.TB) {
	t.Helper()
	c.from = len(c.read(0))
	c.p.Podman(t, "start", c.Name)
}

// Log returns what this life has printed so far, to either output.
func (c *Container) Log() string { return c.read(c.from) }

// WholeLog returns what all its lives have printed.
func (c *Container) WholeLog() string { return c.read(0) }

// read returns the log from an offset on. Each line of the file is a time, a name
// of an output, F for a full or P for a part of a line, and the text.
func (c *Container) read(from int) string {
	data, err := os.ReadFile(c.log)
	if err != nil {
		return "" // it has not begun
	}
	var text strings.Builder
	for line := range strings.Lines(string(data)) {
		fields := strings.SplitN(line, " ", 4)
		if len(fields) < 4 {
			continue
		}
		if fields[2] == "P" {
			fields[3] = strings.TrimSuffix(fields[3], "\n")
		}
		text.WriteString(fields[3])
	}
	return text.String()[min(from, text.Len()):]
}

// deadline is far above what anything takes that is waited for.
const deadline = 5 * time.Minute

// Wait waits for a condition; each look at one is a process or two.
func (c *Container) Wait(t testing.TB, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	timeout := time.After(deadline)
	for !holds() {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("%s: waited %s in vain for %s", c.Name, deadline, what)
		}
	}
}

// WaitLog waits until this life has printed a text.
func (c *Container) WaitLog(t testing.TB, text string) {
	t.Helper()
	c.Wait(t, fmt.Sprintf("%q in its log", text), func() bool { return strings.Contains(c.Log(), text) })
}

// WaitUp waits until every program runs.
func (c *Container) WaitUp(t testing.TB) {
	t.Helper()
	c.Wait(t, "its programs", func() bool {
		log := c.Log()
		return strings.Contains(log, " running, ") && strings.Contains(log, " s after the start")
	})
	if strings.Contains(c.Log(), "not up: ") {
		t.Fatalf("%s: not every program is up", c.Name)
	}
}

// WaitExec waits until a command in the container succeeds, and returns what it
// printed.
func (c *Container) WaitExec(t testing.TB, args ...string) (output string) {
	t.Helper()
	c.Wait(t, strings.Join(args, " "), func() (ok bool) {
		var err error
		output, err = c.TryExec(t, args...)
		return err == nil
	})
	return output
}

// WaitHealthy runs its HEALTHCHECK until that passes. On a busy machine one run may
// take longer than podman gives it.
func (c *Container) WaitHealthy(t testing.TB) {
	t.Helper()
	c.Wait(t, "healthy", func() bool {
		_, err := c.p.Output(t.Context(), "healthcheck", "run", c.Name)
		return err == nil && c.Inspect(t, "{{.State.Health.Status}}") == "healthy"
	})
}

// WaitEnd waits until it has ended, and returns its exit status. podman wait of
// 4.3 does not always return for a container that ends at once.
func (c *Container) WaitEnd(t testing.TB) (status int) {
	t.Helper()
	c.Wait(t, "its end", func() bool {
		state := c.Inspect(t, "{{.State.Status}} {{.State.ExitCode}}")
		n, err := fmt.Sscanf(state, "exited %d", &status)
		return n == 1 && err == nil
	})
	return status
}

// Stop does what docker stop does, and wants the container to end by itself and
// well.
func (c *Container) Stop(t testing.TB) {
	t.Helper()
	begin := time.Now()
	c.p.Podman(t, "stop", "--time=60", c.Name)
	if code := c.WaitEnd(t); code != 0 {
		t.Errorf("%s: stopped after %s with status %d, want 0", c.Name, time.Since(begin).Round(time.Millisecond), code)
	}
}

// Signal sends a signal to process 1.
func (c *Container) Signal(t testing.TB, signal string) {
	t.Helper()
	c.p.Podman(t, "kill", "--signal="+signal, c.Name)
}

// Kill ends it without warning, as a machine does that loses its power.
func (c *Container) Kill(t testing.TB) {
	t.Helper()
	c.Signal(t, "KILL")
	if code := c.WaitEnd(t); code != 137 {
		t.Errorf("%s: killed, with status %d, want 137", c.Name, code)
	}
}

// TryExec runs a command in the container and returns both its outputs; ExitCode
// knows the status.
func (c *Container) TryExec(t testing.TB, args ...string) (string, error) {
	t.Helper()
	out, err := c.p.Command(t.Context(), append([]string{"exec", c.Name}, args...)...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s: %s: %w\n%s", c.Name, strings.Join(args, " "), err, out)
	}
	return string(out), err
}

// Exec runs a command in the container that must succeed.
func (c *Container) Exec(t testing.TB, args ...string) string {
	t.Helper()
	out, err := c.TryExec(t, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// ExitCode is the status that an error of TryExec stands for; 0 without one.
func ExitCode(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	default:
		return -1
	}
}

// Try runs podman, where a failure is one of the answers.
func (c *Container) Try(t testing.TB, args ...string) error {
	t.Helper()
	_, err := c.p.Output(t.Context(), args...)
	return err
}

// Inspect returns what a template of podman inspect says.
func (c *Container) Inspect(t testing.TB, format string) string {
	t.Helper()
	return c.p.Podman(t, "inspect", "--type=container", "--format="+format, c.Name)
}

// FreePort returns a port that nobody listened on a moment ago.
func FreePort(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
}

// unique returns a name for an image, a container or a volume.
func unique(t testing.TB) string {
	t.Helper()
	name := strings.Map(func(r rune) rune {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') {
			return '-'
		}
		return r
	}, strings.ToLower(filepath.Base(t.Name())))
	return fmt.Sprintf("%s-%x", strings.Trim(name, "-"), time.Now().UnixNano())
}
