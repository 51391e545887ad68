package cli

import (
	"bufio"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/test/testenv"
)

// stateEvent is an event as supervisord sends it.
func stateEvent(name, state string) string {
	payload := fmt.Sprintf("processname:%s groupname:%[1]s from_state:X pid:4711", name)
	return fmt.Sprintf("ver:3.0 server:supervisor serial:1 pool:health poolserial:1 eventname:PROCESS_STATE_%s len:%d\n%s", state, len(payload), payload)
}

func TestEventListener(t *testing.T) {
	for name, test := range map[string]struct {
		in, answer, said string
		code             int
	}{
		"two events":  {stateEvent("app", "RUNNING") + stateEvent("web", "STOPPED"), "READY\nRESULT 2\nOKREADY\nRESULT 2\nOKREADY\n", "", exitOK},
		"no events":   {"", "READY\n", "", exitOK},
		"garbage":     {"hello\n", "READY\n", "ERROR\teventlistener event header lacks eventname or len: \"hello\\n\"\n", exitFailed},
		"a huge len":  {"eventname:A len:9999999999\n", "READY\n", "ERROR\teventlistener event A has 9999999999 characters of payload, more than 1048576\n", exitFailed},
		"cut off":     {stateEvent("app", "RUNNING")[:100], "READY\n", "ERROR\teventlistener payload of event PROCESS_STATE_RUNNING is cut off: unexpected EOF\n", exitFailed},
		"an odd name": {stateEvent("app/x", "RUNNING"), "READY\nRESULT 2\nOKREADY\n", "ERROR\teventlistener event PROCESS_STATE_RUNNING is about a process without a usable name: \"app/x\"\n", exitOK},
	} {
		t.Run(name, func(t *testing.T) {
			dir := testenv.Dir(t)
			cmd := testenv.Command(t, nil, "container-manager", "eventlistener", dir, dir)
			cmd.Stdin = strings.NewReader(test.in)
			var stdout, stderr strings.Builder
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			_ = cmd.Run()
			if code := cmd.ProcessState.ExitCode(); code != test.code || stdout.String() != test.answer || withoutTimes(stderr.String()) != test.said {
				t.Errorf("exit code %d, answered %q, said %q", code, &stdout, &stderr)
			}
			if name == "two events" {
				for file, want := range map[string]string{
					"supervisor.app.pid": "4711", "supervisor.app.state": "RUNNING", "supervisor.web.pid": "-1", "supervisor.web.state": "STOPPED",
				} {
					if got := testenv.Read(t, filepath.Join(dir, file)); got != want {
						t.Errorf("%s holds %q, want %q", file, got, want)
					}
				}
			}
		})
	}
}

func TestEventListenerArguments(t *testing.T) {
	for _, args := range [][]string{nil, {"/tmp"}, {"/tmp", "/tmp", "/tmp"}} {
		got := runCommandLine(t, nil, append([]string{"eventlistener"}, args...)...)
		if got.code != exitInvalid || got.stdout != "" || got.stderr != "ERROR\teventlistener wants two directories: PID_DIR STATE_DIR\n" {
			t.Errorf("%q: %+v", args, got)
		}
	}
}

// supervisord stops the listener with SIGTERM while the last programs change
// their state: both files of a program tell of the same event then.
func TestEventListenerFinishes(t *testing.T) {
	for name, busy := range map[string]bool{"while events come": true, "while it waits": false} {
		t.Run(name, func(t *testing.T) {
			for range 5 {
				dir := testenv.Dir(t)
				cmd := testenv.Command(t, nil, "container-manager", "eventlistener", dir, dir)
				in, err := cmd.StdinPipe()
				if err != nil {
					t.Fatal(err)
				}
				out, err := cmd.StdoutPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				go func() {
					for i := 0; busy || i == 0; i++ { // until the pipe breaks
						if _, err := io.WriteString(in, stateEvent("app", "RUNNING")+stateEvent("app", "STOPPED")); err != nil {
							return
						}
					}
				}()
				answers := bufio.NewReader(out)
				for answered := 0; answered < 2; {
					line, err := answers.ReadString('\n')
					if err != nil {
						t.Fatal(err)
					}
					if line == "OKREADY\n" {
						answered++
					}
				}
				if err := cmd.Process.Signal(unix.SIGTERM); err != nil {
					t.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, answers)
				if err := cmd.Wait(); err != nil {
					t.Errorf("the listener ends with %v", err)
				}
				state, pid := testenv.Read(t, dir+"/supervisor.app.state"), testenv.Read(t, dir+"/supervisor.app.pid")
				if state+" "+pid != "RUNNING 4711" && state+" "+pid != "STOPPED -1" {
					t.Errorf("state %q with process id %q", state, pid)
				}
				if names := testenv.Names(t, dir); len(names) != 2 {
					t.Errorf("left behind: %q", names)
				}
			}
		})
	}
}
