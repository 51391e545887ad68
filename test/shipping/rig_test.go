// Package shipping runs whole containers with a real supervisord, filebeat and
// Redis, and reads back what was shipped.
package shipping

import (
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/ZPascal/container-manager/test/redistest"
	"github.com/ZPascal/container-manager/test/testenv"
)

// programs is where container-manager and filebeat lie, for every user.
var programs struct {
	once sync.Once
	dir  string
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "shipping-")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	programs.dir = dir
	// These tests wait most of the time, whatever the number of processors.
	flag.Parse()
	_ = flag.Set("test.parallel", "6")
	status := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(status)
}

// bin returns the directory of both programs.
func bin(t *testing.T) string {
	t.Helper()
	programs.once.Do(func() {
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(programs.dir, "container-manager"), "../../cmd/container-manager")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		from, err := os.Open(testenv.Filebeat(t))
		if err != nil {
			t.Fatal(err)
		}
		defer from.Close()
		to, err := os.OpenFile(filepath.Join(programs.dir, "filebeat"), os.O_CREATE|os.O_WRONLY, 0o755)
		if err != nil {
			t.Fatal(err)
		}
		defer to.Close()
		if _, err := io.Copy(to, from); err != nil {
			t.Fatal(err)
		}
	})
	return programs.dir
}

// container is an image tree with its storage, to be started again and again.
type container struct {
	testenv.Tree
	t       *testing.T
	environ []string
	uid     int
}

// newContainer copies the image tree, with files of a child image, to a directory
// that belongs to the user. Neither cron nor anything of its runs by default.
func newContainer(t *testing.T, uid int, files map[string]string, environ ...string) *container {
	t.Helper()
	c := &container{Tree: testenv.NewTree(t), t: t, uid: uid}
	t.Cleanup(func() { _ = exec.Command("chmod", "-R", "u+w", c.Root).Run() }) // it is locked down
	for name, text := range files {
		testenv.Write(t, c.Path("image", name), text, 0o755)
	}
	// A socket's path is short, and the test's directory may lie too deep.
	tmp := testenv.ShortDir(t)
	if uid != 0 {
		testenv.Chown(t, c.Root, uid)
		testenv.Chown(t, tmp, uid)
	}
	c.environ = append(c.Environ(
		"PATH="+bin(t)+":/usr/bin:/bin:/usr/sbin:/sbin", "IMAGE_CRON_ENABLED=0",
		"IMAGE_SUPERVISOR_PIDFILE="+tmp+"/pid", "IMAGE_SUPERVISOR_SOCKET="+tmp+"/sock",
	), environ...)
	return c
}

// impatient makes filebeat ask again at once while Redis is away.
func (c *container) impatient() *container {
	c.t.Helper()
	path := c.Path("image/logging/filebeat-global.yml")
	patient, impatient := "  backoff.max: 5s\n", "  backoff.init: 100ms\n  backoff.max: 200ms\n"
	text := testenv.Read(c.t, path)
	if !strings.Contains(text, patient) {
		c.t.Fatalf("%s lacks %q", path, patient)
	}
	testenv.Write(c.t, path, strings.Replace(text, patient, impatient, 1), 0o644)
	return c
}

// at adds the address of a Redis to the environment.
func at(s *redistest.Server, environ ...string) []string {
	return append([]string{"LOGGING_REDIS_HOST=127.0.0.1", "LOGGING_REDIS_PORT=" + s.Port}, environ...)
}

// life is one life of a container.
type life struct {
	*container
	cmd    *exec.Cmd
	output testenv.Buffer
	ended  chan struct{}
}

// start starts the container and waits until its programs run.
func (c *container) start() *life {
	c.t.Helper()
	l := c.run()
	testenv.WaitFor(c.t, "the programs run", func() bool {
		select {
		case <-l.ended:
			c.t.Fatalf("the container has ended:\n%s", l.output.String())
		default:
		}
		return strings.Contains(l.output.String(), " running")
	})
	return l
}

// ship starts the container with filebeat in supervisord's place, whose log is
// the container's output then. That takes a tenth of the time.
func (c *container) ship() *life {
	c.t.Helper()
	return c.run(append([]string{"filebeat", "-e"}, c.conf()...)...)
}

// conf are the arguments that name filebeat's rendered configuration.
func (c *container) conf() []string {
	return []string{"-c", c.Path("run/logging/filebeat-global.yml")}
}

// run starts the container with a command, without one with supervisord.
func (c *container) run(command ...string) *life {
	c.t.Helper()
	l := &life{container: c, cmd: exec.Command(filepath.Join(bin(c.t), "container-manager"), append([]string{"run"}, command...)...), ended: make(chan struct{})}
	l.cmd.Env, l.cmd.Dir, l.cmd.Stdout, l.cmd.Stderr = c.environ, c.Root, &l.output, &l.output
	l.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if c.uid != 0 {
		l.cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(c.uid), Gid: uint32(c.uid)}
	}
	if err := l.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	go func() {
		_ = l.cmd.Wait()
		close(l.ended)
	}()
	c.t.Cleanup(func() {
		l.stop()
		if c.t.Failed() {
			c.t.Logf("the container said\n%s\nand filebeat\n%s", l.output.String(), c.filebeatLog())
		}
	})
	return l
}

// says waits for a text in the output.
func (l *life) says(text string) {
	l.t.Helper()
	testenv.WaitFor(l.t, fmt.Sprintf("the output %q", text), func() bool { return strings.Contains(l.output.String(), text) })
}

// end waits for the end, and returns the exit status.
func (l *life) end() int {
	l.t.Helper()
	testenv.WaitFor(l.t, "the container has ended", l.hasEnded)
	return l.cmd.ProcessState.ExitCode()
}

// stop ends the life as docker stop does.
func (l *life) stop() {
	l.t.Helper()
	_ = l.cmd.Process.Signal(syscall.SIGTERM)
	testenv.WaitFor(l.t, "the container has ended", l.hasEnded)
}

// kill ends the life, and every process of its, as a power failure does.
func (l *life) kill() {
	l.t.Helper()
	pids := []int{l.cmd.Process.Pid}
	for _, name := range []string{"filebeat", "health"} {
		pids = append(pids, l.pid(name))
	}
	for _, pid := range pids[1:] {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	l.die()
}

// die kills the container's first process.
func (l *life) die() {
	l.t.Helper()
	_ = l.cmd.Process.Kill()
	testenv.WaitFor(l.t, "the container is dead", l.hasEnded)
}

func (l *life) hasEnded() bool {
	select {
	case <-l.ended:
		return true
	default:
		if conn, err := net.Dial("unix", l.variable("IMAGE_SUPERVISOR_SOCKET")); err == nil { // wakes supervisord
			_ = conn.Close()
		}
		return false
	}
}

func (c *container) variable(name string) string {
	for _, entry := range c.environ {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}

// pid returns the process id of a program that runs.
func (c *container) pid(program string) int {
	c.t.Helper()
	pid := -1
	testenv.WaitFor(c.t, program+" runs", func() bool {
		data, _ := os.ReadFile(c.Path("tmp/supervisor." + program + ".pid"))
		_, err := fmt.Sscan(string(data), &pid)
		return err == nil && pid > 0 && testenv.Alive(pid)
	})
	return pid
}

// append adds text to a file of the storage, as a program of the container does.
func (c *container) append(name, text string) {
	c.t.Helper()
	path := c.Path("storage", name)
	if !testenv.Exists(filepath.Dir(path)) { // before the first life
		testenv.Mkdir(c.t, filepath.Dir(path))
		testenv.Chown(c.t, c.Path("storage"), c.uid)
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		c.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		c.t.Fatal(err)
	}
	if err := f.Chown(c.uid, c.uid); err != nil {
		c.t.Fatal(err)
	}
}

// filebeatLog is what filebeat says of itself.
func (c *container) filebeatLog() string {
	data, _ := os.ReadFile(c.Path("storage/logs/filebeat.log"))
	return string(data)
}
