package pid1

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/supervisor"
	"github.com/ZPascal/container-manager/test/testenv"
)

func TestMain(m *testing.M) {
	testenv.Main(m, map[string]func([]string) int{
		// init SCRIPT: is the first process of a supervisord that is a shell script.
		"init": func(args []string) int {
			status, err := Init{
				Path: "/bin/sh", Argv: []string{"supervisord", args[1]}, Env: os.Environ(),
				Client: supervisor.AtSocket(args[1] + ".sock"), LogFile: args[1] + ".log", Program: "app",
				Log: log.New(os.Stderr, log.Options{}),
			}.Run(context.Background())
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 125
			}
			return status
		},
	})
}

// start starts an Init whose supervisord is a shell script; in it DIR is a
// directory of the test.
func start(t *testing.T, body string) (cmd *exec.Cmd, dir string) {
	t.Helper()
	dir = testenv.Dir(t)
	path := filepath.Join(dir, "supervisord")
	testenv.Script(t, path, strings.ReplaceAll(body, "DIR", dir))
	cmd = testenv.Command(t, os.Environ(), "init", path)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, dir
}

// wantStatus waits for the end.
func wantStatus(t *testing.T, cmd *exec.Cmd, want int) {
	t.Helper()
	_ = cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != want {
		t.Errorf("exit status %d, want %d", got, want)
	}
}

func TestStatusOfSupervisord(t *testing.T) {
	for body, want := range map[string]int{"exit 0": 0, "exit 3": 3, "kill -9 $$": 137, "exec /nowhere": 127} {
		cmd, _ := start(t, body)
		wantStatus(t, cmd, want)
	}
}

func TestSignalsAreHandedOn(t *testing.T) {
	cmd, dir := start(t, `
trap 'echo USR2 >>DIR/got' USR2
trap 'echo HUP >>DIR/got' HUP
trap 'echo TERM >>DIR/got; exit 0' TERM
: >DIR/up
while :; do sleep 0.02; done`)
	testenv.WaitFor(t, "it is up", func() bool { return testenv.Exists(dir + "/up") })
	got := ""
	// It would die of SIGUSR1 and SIGALRM, which it does not handle.
	for _, s := range []unix.Signal{unix.SIGUSR1, unix.SIGALRM, unix.SIGHUP, unix.SIGUSR2, unix.SIGTERM} {
		if err := cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
		if s == unix.SIGUSR1 || s == unix.SIGALRM {
			continue
		}
		got += strings.TrimPrefix(unix.SignalName(s), "SIG") + "\n"
		testenv.WaitFor(t, unix.SignalName(s)+" was handed on", func() bool {
			return testenv.Exists(dir+"/got") && testenv.Read(t, dir+"/got") == got
		})
	}
	wantStatus(t, cmd, 0)
}

// TestNothingIsLeft has supervisord leave a process of another session behind,
// which ignores SIGTERM.
func TestNothingIsLeft(t *testing.T) {
	cmd, dir := start(t, `
setsid sh -c 'trap "" TERM; echo $$ >DIR/pid; while :; do sleep 0.05; done' &
while [ ! -s DIR/pid ]; do sleep 0.02; done
exit 4`)
	wantStatus(t, cmd, 4)
	pid, err := strconv.Atoi(strings.TrimSpace(testenv.Read(t, dir+"/pid")))
	if err != nil || testenv.Alive(pid) {
		t.Errorf("process %d is left (%v)", pid, err)
	}
}

// TestNewborn stops a supervisord that has just forked a program. Its child still
// handles signals as supervisord does, and forgets SIGTERM with the exec.
func TestNewborn(t *testing.T) {
	for name, body := range map[string]string{
		"forked before the signal": `
(trap : TERM; : >DIR/up; while [ ! -e DIR/go ]; do sleep 0.02; done; exec sleep 1000) &
child=$!
trap 'kill $child; : >DIR/go' TERM
wait $child
wait $child
exit 5`,
		"forked after it": `
trap 'stop=1' TERM
: >DIR/up
while [ -z "$stop" ]; do sleep 0.02; done
(trap : TERM; sleep 0.1; exec sleep 1000) &
kill $!
wait $!
exit 5`,
	} {
		t.Run(name, func(t *testing.T) {
			cmd, dir := start(t, body)
			testenv.WaitFor(t, "it is up", func() bool { return testenv.Exists(dir + "/up") })
			if err := cmd.Process.Signal(unix.SIGTERM); err != nil {
				t.Fatal(err)
			}
			wantStatus(t, cmd, 5)
		})
	}
}
