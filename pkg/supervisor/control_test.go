package supervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/abrander/go-supervisord"

	"github.com/ZPascal/container-manager/test/supervisordtest"
	"github.com/ZPascal/container-manager/test/testenv"
)

// waitStubborn waits until the program stubborn ignores SIGTERM. It counts as RUNNING
// before its shell has come so far.
func waitStubborn(t *testing.T, c Client) {
	t.Helper()
	waitState(t, c, "stubborn", "RUNNING")
	testenv.WaitFor(t, "stubborn ignores SIGTERM", func() bool {
		for line := range strings.Lines(testenv.Read(t, fmt.Sprintf("/proc/%d/status", states(t, c, "stubborn")[0].Pid))) {
			if mask, ok := strings.CutPrefix(line, "SigIgn:"); ok {
				ignored, err := strconv.ParseUint(strings.TrimSpace(mask), 16, 64)
				return err == nil && ignored&(1<<(syscall.SIGTERM-1)) != 0
			}
		}
		return false
	})
}

// programs are of every kind. startsecs is 0 where nothing is to be waited for.
const programs = `
[program:app]
command = /bin/sleep 1000
startsecs = 0
stopwaitsecs = 60
[program:slow]
command = /bin/sleep 1000
startsecs = 2
[program:stubborn]
command = /bin/sh -c "trap '' TERM; while :; do sleep 0.05; done"
startsecs = 0
stopwaitsecs = 3
killasgroup = true
[program:family]
command = /bin/sh -c "sleep 1001 & echo $! >DIR/child; wait"
startsecs = 0
stopasgroup = true
[program:many]
command = /bin/sleep 1000
process_name = %(program_name)s_%(process_num)d
numprocs = 3
startsecs = 0
[program:one]
command = /bin/sleep 1000
startsecs = 0
[program:two]
command = /bin/sleep 1000
startsecs = 0
[group:both]
programs = one,two
[program:done]
command = /bin/true
startsecs = 0
autorestart = false
[program:failing]
command = /bin/sh -c "exit 3"
startsecs = 1
startretries = 0
autostart = false
[program:retried]
command = /bin/sh -c "exit 3"
startsecs = 1
startretries = 1000
autostart = false
[program:missing]
command = /nowhere/program
autostart = false
[program:idle]
command = /bin/sleep 1000
startsecs = 0
autostart = false
`

// clientOf knows supervisord's configuration.
func clientOf(t *testing.T, s *supervisordtest.Server) Client {
	t.Helper()
	c, err := FromConfig(s.Conf, os.LookupEnv)
	must(t, err)
	return c
}

func states(t *testing.T, c Client, name string) []supervisord.ProcessInfo {
	t.Helper()
	all, err := c.Processes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	selected := Select(all, name)
	if len(selected) == 0 {
		t.Fatalf("there is no %s", name)
	}
	return selected
}

// named are the processes that names stand for.
func named(t *testing.T, c Client, names ...string) []supervisord.ProcessInfo {
	t.Helper()
	all, err := c.Processes(t.Context())
	must(t, err)
	selected, err := SelectAll(all, names)
	must(t, err)
	return selected
}

func state(t *testing.T, c Client, name string) string {
	t.Helper()
	return states(t, c, name)[0].StateName
}

func waitState(t *testing.T, c Client, name, want string) {
	t.Helper()
	testenv.WaitFor(t, name+" is "+want, func() bool { return state(t, c, name) == want })
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func mustFail(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want one that says %q", err, want)
	}
}

func TestControl(t *testing.T) {
	s := supervisordtest.Start(t, programs)
	c := clientOf(t, s)
	ctx := t.Context()

	t.Run("restart", func(t *testing.T) {
		waitState(t, c, "app", "RUNNING")
		before := states(t, c, "app")[0].Pid
		must(t, c.Restart(ctx, named(t, c, "app")...))
		if after := states(t, c, "app")[0]; after.Pid == before || after.StateName != "RUNNING" {
			t.Errorf("process %d is %s, it was process %d", after.Pid, after.StateName, before)
		}
		if _, err := os.Stat(fmt.Sprintf("/proc/%d", before)); err == nil {
			t.Errorf("process %d is still there", before)
		}
	})
	t.Run("waits for startsecs", func(t *testing.T) {
		must(t, c.Restart(ctx, named(t, c, "slow")...))
		if got := state(t, c, "slow"); got != "RUNNING" {
			t.Errorf("slow is %s", got)
		}
	})
	t.Run("of a starting one", func(t *testing.T) {
		must(t, c.Stop(ctx, named(t, c, "slow")...))
		must(t, c.call(ctx, callTimeout, func(s *supervisord.Client) error { return s.StartProcess("slow", false) }))
		if got := state(t, c, "slow"); got != "STARTING" {
			t.Fatalf("slow is %s", got)
		}
		must(t, c.Restart(ctx, named(t, c, "slow")...))
		if got := state(t, c, "slow"); got != "RUNNING" {
			t.Errorf("slow is %s", got)
		}
	})
	t.Run("of one that ignores SIGTERM", func(t *testing.T) {
		waitStubborn(t, c)
		must(t, c.Restart(ctx, named(t, c, "stubborn")...))
		if log := s.Log(); !strings.Contains(log, "killing 'stubborn'") {
			t.Errorf("it was not killed:\n%s", log)
		}
	})
	t.Run("of a stopping one", func(t *testing.T) {
		waitStubborn(t, c)
		must(t, c.call(ctx, callTimeout, func(s *supervisord.Client) error { return s.StopProcess("stubborn", false) }))
		if got := state(t, c, "stubborn"); got != "STOPPING" {
			t.Fatalf("stubborn is %s", got)
		}
		must(t, c.Restart(ctx, named(t, c, "stubborn")...))
		waitStubborn(t, c)
	})
	t.Run("of one that SIGSTOP halted", func(t *testing.T) {
		pid := states(t, c, "app")[0].Pid
		must(t, syscall.Kill(pid, syscall.SIGSTOP))
		testenv.WaitFor(t, "it is halted", func() bool { return isHalted(pid) })
		must(t, c.Restart(ctx, named(t, c, "app")...))
		if log := s.Log(); strings.Contains(log, "killing 'app'") {
			t.Errorf("the signal to end never reached it:\n%s", log)
		}
	})
	t.Run("with stopasgroup", func(t *testing.T) {
		waitState(t, c, "family", "RUNNING")
		var child int
		testenv.WaitFor(t, "the child is there", func() bool {
			data, _ := os.ReadFile(s.Dir + "/child")
			child, _ = strconv.Atoi(strings.TrimSpace(string(data)))
			return child > 0
		})
		must(t, c.Restart(ctx, named(t, c, "family")...))
		testenv.WaitFor(t, "the child of before is gone", func() bool {
			line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", child))
			return !strings.Contains(string(line), "1001")
		})
	})
	t.Run("of an exited one", func(t *testing.T) {
		waitState(t, c, "done", "EXITED")
		must(t, c.Restart(ctx, named(t, c, "done")...))
	})
	t.Run("of one that was never started", func(t *testing.T) {
		must(t, c.Restart(ctx, named(t, c, "idle")...))
		if got := state(t, c, "idle"); got != "RUNNING" {
			t.Errorf("idle is %s", got)
		}
	})
	t.Run("of a fatal one", func(t *testing.T) {
		mustFail(t, c.Start(ctx, named(t, c, "failing")...), "failing does not start: Exited too quickly")
		waitState(t, c, "failing", "FATAL")
		mustFail(t, c.Restart(ctx, named(t, c, "failing")...), "failing does not start: Exited too quickly")
	})
	t.Run("of one in backoff", func(t *testing.T) {
		mustFail(t, c.Start(ctx, named(t, c, "retried")...), "supervisord tries again")
		waitState(t, c, "retried", "BACKOFF")
		mustFail(t, c.Restart(ctx, named(t, c, "retried")...), "retried does not start: Exited too quickly (process log may have details) (supervisord tries again)")
		must(t, c.Stop(ctx, named(t, c, "retried")...))
		if got := state(t, c, "retried"); got != "STOPPED" {
			t.Errorf("retried is %s", got)
		}
	})
	t.Run("without its program", func(t *testing.T) {
		err := c.Restart(ctx, named(t, c, "missing")...)
		var fault *Fault
		if !errors.As(err, &fault) || fault.Code != FaultNoFile {
			t.Errorf("error %v, want fault NO_FILE", err)
		}
		mustFail(t, err, "can't find command '/nowhere/program'")
	})
	t.Run("of a group", func(t *testing.T) {
		before := states(t, c, "both:*")
		must(t, c.Restart(ctx, named(t, c, "both:*", "both:one", "app")...))
		for i, p := range states(t, c, "both:*") {
			if p.Pid == before[i].Pid || p.StateName != "RUNNING" {
				t.Errorf("%s is %s, process %d, it was process %d", Name(p), p.StateName, p.Pid, before[i].Pid)
			}
		}
	})
	t.Run("of one in a group", func(t *testing.T) {
		one, two := states(t, c, "both:one")[0].Pid, states(t, c, "two")[0].Pid
		must(t, c.Restart(ctx, named(t, c, "both:one")...))
		if states(t, c, "one")[0].Pid == one || states(t, c, "both:two")[0].Pid != two {
			t.Error("not exactly both:one was restarted")
		}
	})
	t.Run("of a program with numprocs", func(t *testing.T) {
		before := states(t, c, "many")
		must(t, c.Restart(ctx, named(t, c, "many")...))
		for i, p := range states(t, c, "many:*") {
			if p.Pid == before[i].Pid {
				t.Errorf("%s was not restarted", Name(p))
			}
		}
	})
	t.Run("stop and start", func(t *testing.T) {
		for range 2 { // the second time there is nothing to do
			must(t, c.Stop(ctx, named(t, c, "app")...))
			if got := state(t, c, "app"); got != "STOPPED" {
				t.Errorf("app is %s", got)
			}
		}
		for range 2 {
			must(t, c.Start(ctx, named(t, c, "app")...))
			if got := state(t, c, "app"); got != "RUNNING" {
				t.Errorf("app is %s", got)
			}
		}
	})
	t.Run("with a deadline", func(t *testing.T) {
		waitStubborn(t, c)
		gone := errors.New("time is up")
		short, cancel := context.WithTimeoutCause(ctx, 200*time.Millisecond, gone)
		defer cancel()
		err := c.Stop(short, named(t, c, "stubborn")...)
		if !errors.Is(err, gone) {
			t.Errorf("error %v, want the context's cause", err)
		}
	})
}

// TestStopOfOneThatSupervisordStartsAgain stops a program that has just EXITED
// and is about to be started again.
func TestStopOfOneThatSupervisordStartsAgain(t *testing.T) {
	s := supervisordtest.Start(t, `
[program:app]
command = /bin/sleep 1000
startsecs = 0
autorestart = true
`)
	c := clientOf(t, s)
	for i := range 20 {
		must(t, c.Start(t.Context(), named(t, c, "app")...))
		must(t, syscall.Kill(states(t, c, "app")[0].Pid, syscall.SIGKILL))
		for range i % 4 { // supervisord comes further with each
			must(t, c.Touch(t.Context()))
		}
		must(t, c.Stop(t.Context(), named(t, c, "app")...))
		for range 3 { // each wakes supervisord, which would start it
			if got := state(t, c, "app"); got != "STOPPED" && got != "EXITED" {
				t.Fatalf("app is %s after it was stopped", got)
			}
		}
	}
}
