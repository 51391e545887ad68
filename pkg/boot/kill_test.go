package boot

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/setup"
	"github.com/ZPascal/container-manager/test/testenv"
)

// start is a program: a container's start, up to the exec.
func start([]string) int {
	c, err := config.Load()
	if err != nil {
		fmt.Println(err)
		return 2
	}
	b := Boot{
		Config: c, Log: log.New(os.Stdout, log.Options{}), Builtins: setup.Builtin,
		Restore: func(context.Context, bool, func(string) error) error {
			if os.Getenv("HANG") == "restore" {
				fmt.Println("hanging as", os.Getpid())
				select {}
			}
			return nil
		},
		Listen: func() {}, Release: func() error { return nil },
		Exec: func(string, []string, []string) error { return nil },
	}
	if err := b.Run(context.Background(), plainCommand); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// process is a container in a process of its own.
type process struct {
	*exec.Cmd
	lines *bufio.Scanner
}

// process starts one, with the environment as it is.
func (c *container) process(environ ...string) process {
	c.t.Helper()
	cmd := testenv.Command(c.t, append(os.Environ(), environ...), "start")
	out, err := cmd.StdoutPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	return process{cmd, bufio.NewScanner(out)}
}

// says returns what stands behind a text in the process's output.
func (p process) says(t *testing.T, text string) string {
	t.Helper()
	for p.lines.Scan() {
		if _, rest, found := strings.Cut(p.lines.Text(), text); found {
			return rest
		}
	}
	t.Fatalf("it ended without saying %q", text)
	return ""
}

// Wherever a start is killed, it leaves no marker, and the next one does what is
// left to do.
func TestKilledStart(t *testing.T) {
	testenv.NotQuick(t)
	const hang = `[ "$HANG" != "${0##*/}" ] || { echo "hanging as $$"; exec sleep 1000; }`
	for _, test := range []struct{ hang, ran, then string }{
		{"10-always.sh", "10-always.sh", "10-always.sh 10-a.sh 20-b.sh"},
		{"10-a.sh", "10-always.sh 10-a.sh", "10-always.sh 10-a.sh 20-b.sh"},
		{"20-b.sh", "10-always.sh 10-a.sh 20-b.sh", "10-always.sh 20-b.sh"},
		{"restore", "10-always.sh 10-a.sh 20-b.sh", "10-always.sh"},
	} {
		t.Run(test.hang, func(t *testing.T) {
			c := newContainer(t, testenv.NewTree(t))
			c.step("run.always", "10-always.sh", hang)
			c.step("run.once", "10-a.sh", hang)
			c.step("run.once", "20-b.sh", hang)
			p := c.process("HANG=" + test.hang)
			var pid int
			if _, err := fmt.Sscan(p.says(t, "hanging as "), &pid); err != nil {
				t.Fatal(err)
			}
			_ = p.Process.Kill()
			_ = unix.Kill(pid, unix.SIGKILL) // all processes of a container end with it
			_ = p.Wait()
			if testenv.Exists(c.marker()) {
				t.Error("there is a marker")
			}
			c.wantSteps(strings.Fields(test.ran)...)
			c.start()
			c.wantSteps(strings.Fields(test.then)...)
			if !testenv.Exists(c.marker()) || testenv.Exists(c.records()) {
				t.Errorf("storage holds %q", testenv.Names(t, c.Config.StorageBaseDir))
			}
		})
	}
}

// A container that is killed during its first start makes way for the one that
// waits on the same volume.
func TestKilledWhileAnotherWaits(t *testing.T) {
	first := newContainer(t, testenv.NewTree(t))
	first.step("run.once", "10-a.sh", `echo "hanging as $$"; exec sleep 1000`)
	one := first.process()
	var pid int
	if _, err := fmt.Sscan(one.says(t, "hanging as "), &pid); err != nil {
		t.Fatal(err)
	}
	second := newContainer(t, testenv.NewTree(t), "STORAGE_BASE_DIR="+first.Config.StorageBaseDir)
	second.step("run.once", "10-a.sh", "")
	two := second.process()
	two.says(t, "waiting for the first start of another container on "+first.Config.StorageBaseDir)
	if testenv.Exists(first.marker()) {
		t.Error("there is a marker")
	}
	_ = one.Process.Kill()
	_ = unix.Kill(pid, unix.SIGKILL)
	_ = one.Wait()
	for two.lines.Scan() { // to its end
		t.Log(two.lines.Text())
	}
	if err := two.Wait(); err != nil {
		t.Errorf("the second container: %v", err)
	}
	first.wantSteps("10-a.sh")
	second.wantSteps("10-a.sh")
	if !testenv.Exists(first.marker()) {
		t.Error("there is no marker")
	}
}
