// Package shipping runs whole containers with a real supervisord, filebeat and
// Redis, and reads back what was shipped.
package shipping

import (
	"flag"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ZPascal/container-manager/test/internal/redistest"
	"github.com/ZPascal/container-manager/test/testenv"
)

func TestMain(m *testing.M) {
	// These tests wait most of the time, whatever the number of processors.
	flag.Parse()
	_ = flag.Set("test.parallel", "6")
	testenv.Main(m, nil)
}

// container is one with a filebeat.
type container struct {
	*testenv.Container
	t *testing.T
}

// newContainer takes files of the image by their path below /image.
func newContainer(t *testing.T, uid int, files map[string]string, environ ...string) *container {
	t.Helper()
	testenv.ProgramsWithFilebeat(t)
	below := map[string]string{}
	for name, text := range files {
		below["image/"+name] = text
	}
	c := &container{Container: testenv.NewContainer(t, uid, below, environ...), t: t}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("filebeat said\n%s", c.filebeatLog())
		}
	})
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

// ship starts the container with filebeat in supervisord's place, whose log is
// the container's output then. That takes a tenth of the time.
func (c *container) ship() *testenv.Life {
	c.t.Helper()
	l := c.Run(append([]string{"filebeat", "-e"}, c.conf()...)...)
	c.t.Cleanup(func() { stop(l) })
	return l
}

// stop ends filebeat as supervisord does, with SIGKILL after a while: filebeat 7.17
// now and then never ends after a SIGTERM.
func stop(l *testenv.Life) {
	timer := time.AfterFunc(5*time.Second, func() { l.Signal(syscall.SIGKILL) })
	defer timer.Stop()
	l.Stop()
}

// conf are the arguments that name filebeat's rendered configuration.
func (c *container) conf() []string {
	return []string{"-c", c.Path("run/logging/filebeat-global.yml")}
}

// powerFails kills every process of a life.
func (c *container) powerFails(l *testenv.Life) {
	c.t.Helper()
	for _, program := range []string{"filebeat", "health"} {
		_ = syscall.Kill(c.PID(program), syscall.SIGKILL)
	}
	l.Kill()
}

// append adds text to a file of the storage, as a program of the container does.
func (c *container) append(name, text string) {
	c.t.Helper()
	path := c.Path("storage", name)
	if !testenv.Exists(filepath.Dir(path)) { // before the first life
		testenv.Mkdir(c.t, filepath.Dir(path))
		testenv.Chown(c.t, c.Path("storage"), c.UID)
	}
	testenv.Append(c.t, path, text)
	testenv.Chown(c.t, path, c.UID)
}

// filebeatLog is what filebeat says of itself.
func (c *container) filebeatLog() string {
	return testenv.ReadIfThere(c.t, c.Path("storage/logs/filebeat.log"))
}
