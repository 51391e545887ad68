package supervisor

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/abrander/go-supervisord"

	"github.com/ZPascal/container-manager/pkg/supervisorconf"
	"github.com/ZPascal/container-manager/test/supervisordtest"
	"github.com/ZPascal/container-manager/test/testenv"
)

func always() bool { return true }

// found are the states by full name.
func found(infos []supervisord.ProcessInfo) map[string]string {
	states := map[string]string{}
	for _, p := range infos {
		states[Name(p)] = p.StateName
	}
	return states
}

func TestWake(t *testing.T) {
	s := supervisordtest.Start(t, `
[program:quick]
command = /bin/sleep 1000
startsecs = 0
[program:slow]
command = /bin/sleep 1000
startsecs = 2
[program:done]
command = /bin/true
startsecs = 0
autorestart = false
[program:missing]
command = /nowhere/program
startretries = 0
[program:failing]
command = /bin/false
startretries = 1
[program:by-hand]
command = /bin/sleep 1000
autostart = false
[program:many]
command = /bin/sleep 1000
process_name = %(program_name)s_%(process_num)d
numprocs = 2
startsecs = 0
`)
	infos, err := clientOf(t, s).Wake(t.Context(), always, nil, nil)
	must(t, err)
	want := map[string]string{
		"quick": "RUNNING", "slow": "RUNNING", "done": "EXITED", "missing": "FATAL", "failing": "FATAL", "by-hand": "STOPPED",
		"many:many_0": "RUNNING", "many:many_1": "RUNNING",
	}
	if got := found(infos); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// The waking process is there before supervisord is.
func TestWakeForASocket(t *testing.T) {
	dir := testenv.Dir(t)
	c := AtSocket(filepath.Join(dir, "sock"))
	asked := 0
	_, err := c.Wake(t.Context(), func() bool {
		if asked++; asked == 3 { // nothing is there, time after time
			l, err := net.Listen("unix", c.String())
			must(t, err)
			t.Cleanup(func() { _ = l.Close() })
			go func() {
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					go httpAnswer(fault6)(conn)
				}
			}()
		}
		return true
	}, nil, nil)
	if !errors.Is(err, ErrGone) || asked < 3 {
		t.Errorf("error %v after %d looks, want ErrGone for the server that came and shuts down", err, asked)
	}
}

func TestWakeEndsWithSupervisord(t *testing.T) {
	_, err := AtSocket(filepath.Join(testenv.Dir(t), "none")).Wake(t.Context(), func() bool { return false }, nil, nil)
	if !errors.Is(err, ErrGone) {
		t.Errorf("error %v, want ErrGone", err)
	}
	// It was there, and goes away while a program is still on its way.
	s := supervisordtest.Start(t, "[program:starting]\ncommand = /bin/sleep 1000\nstartsecs = 1000\n")
	c := clientOf(t, s)
	waitState(t, c, "starting", "STARTING")
	asked := 0
	_, err = c.Wake(t.Context(), func() bool {
		if asked++; asked == 2 {
			s.Signal(syscall.SIGTERM)
			<-s.Exited()
		}
		return asked < 2
	}, nil, nil)
	if !errors.Is(err, ErrGone) {
		t.Errorf("error %v, want ErrGone", err)
	}
}

// A question that fails because supervisord has just ended is no riddle.
func TestWakeWhenSupervisordEndsInBetween(t *testing.T) {
	var questions atomic.Int32
	c := listen(t, func(conn net.Conn) {
		defer conn.Close()
		req, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			return // only touched
		}
		_, _ = io.Copy(io.Discard, req.Body)
		questions.Add(1) // and never answered
	})
	if _, err := c.Wake(t.Context(), func() bool { return questions.Load() == 0 }, nil, nil); !errors.Is(err, ErrGone) {
		t.Errorf("error %v, want ErrGone", err)
	}
}

// With its time up, the summary still wants to know how far everything is.
func TestWakeGivesUp(t *testing.T) {
	late := errors.New("60 seconds are over")
	s := supervisordtest.Start(t, "[program:starting]\ncommand = /bin/sleep 1000\nstartsecs = 1000\n")
	c := clientOf(t, s)
	waitState(t, c, "starting", "STARTING")
	ctx, cancel := context.WithCancelCause(t.Context())
	asked := 0
	infos, err := c.Wake(ctx, func() bool {
		if asked++; asked == 3 {
			cancel(late)
		}
		return true
	}, nil, nil)
	if err != nil || found(infos)["starting"] != "STARTING" {
		t.Errorf("error %v, states %v, want STARTING", err, found(infos))
	}
}

func TestWakeOfWhatDoesNotAnswer(t *testing.T) {
	late := errors.New("60 seconds are over")
	for name, c := range map[string]Client{
		"nothing there": AtSocket(filepath.Join(testenv.Dir(t), "none")),
		"hanging":       listen(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }),
	} {
		ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, late)
		defer cancel()
		if infos, err := c.Wake(ctx, always, nil, nil); !errors.Is(err, late) || infos != nil {
			t.Errorf("%s: error %v, processes %v", name, err, infos)
		}
	}
	c := listen(t, httpAnswer("garbage"))
	infos, err := c.Wake(t.Context(), always, nil, nil)
	if mustFail(t, err, "cannot ask supervisord at "+c.String()+": "); infos != nil {
		t.Errorf("processes %v", infos)
	}
}

func TestUntilChange(t *testing.T) {
	const start = 1700000000
	for _, test := range []struct {
		state     supervisord.ProcessState
		start     int
		autostart bool
		startSecs int
		seen      time.Duration
		want      time.Duration
	}{
		{supervisord.StateStopped, 0, true, 1, 0, askEvery}, // its turn has not come yet
		{supervisord.StateStopped, 0, false, 1, 0, 0},
		{supervisord.StateStopped, start, true, 1, 0, 0},         // somebody stopped it
		{supervisord.StateStarting, start, true, 1, 0, askEvery}, // it started long before it was seen
		{supervisord.StateStarting, start, true, 4, 0, askEvery},
		{supervisord.StateStarting, start, true, 5, 0, seldom},
		{supervisord.StateStarting, start, true, 6, 5800 * time.Millisecond, 150 * time.Millisecond},
		{supervisord.StateStarting, start, true, 6, 5940 * time.Millisecond, askEvery},
		{supervisord.StateStarting, start, true, 6, time.Minute, askEvery},
		{supervisord.StateStarting, start, false, 1, 0, askEvery}, // somebody started it
		{supervisord.StateBackoff, start, true, 7, 0, askEvery},
		{supervisord.StateRunning, start, true, 7, 0, 0},
		{supervisord.StateExited, start, true, 7, 0, 0},
		{supervisord.StateFatal, 0, true, 7, 0, 0},
		{supervisord.StateUnknown, 0, true, 7, 0, 0},
	} {
		p := supervisord.ProcessInfo{State: test.state, Start: test.start, Now: start + 5}
		if got := untilChange(p, supervisorconf.Process{Autostart: test.autostart, StartSecs: test.startSecs}, test.seen); got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
}

// The watch of a process begins anew with each of its starts.
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch{}
		p := supervisord.ProcessInfo{Name: "app", Group: "app", State: supervisord.StateStarting}
		for _, want := range []time.Duration{0, time.Second, 2 * time.Second} {
			if got := w.of(p); got != want {
				t.Errorf("seen for %s, want %s", got, want)
			}
			time.Sleep(time.Second)
		}
		p.State = supervisord.StateBackoff
		_ = w.of(p)
		p.State = supervisord.StateStarting
		if got := w.of(p); got != 0 {
			t.Errorf("after another start: seen for %s", got)
		}
	})
}

func TestFarewell(t *testing.T) {
	var connections atomic.Int32
	c := listen(t, func(conn net.Conn) {
		connections.Add(1)
		_, _ = io.Copy(io.Discard, conn)
	})
	c.Farewell(t.Context())
	testenv.WaitFor(t, "all connections", func() bool { return connections.Load() == farewells })
	AtSocket(filepath.Join(testenv.Dir(t), "none")).Farewell(t.Context()) // nobody is left to be told
}

func TestFaults(t *testing.T) {
	for text, want := range map[string]*Fault{
		"Fault(70): NOT_RUNNING: app":               {FaultNotRunning, "NOT_RUNNING: app"},
		"request failed: Fault(10): BAD_NAME: a: b": {FaultBadName, "BAD_NAME: a: b"},
		"Fault(50): SPAWN_ERROR: app\nTraceback":    {FaultSpawnError, "SPAWN_ERROR: app"},
		"dial unix /tmp/sock: connection refused":   nil,
		"Fault: none": nil,
		"Fault(x): y": nil,
		"":            nil,
	} {
		got := parseFault(errors.New(text))
		if (got == nil) != (want == nil) || got != nil && *got != *want {
			t.Errorf("%q: %+v, want %+v", text, got, want)
		}
	}
	if got := (&Fault{70, "NOT_RUNNING: app"}).Error(); got != "supervisord refuses: NOT_RUNNING: app" {
		t.Errorf("said %q", got)
	}
}
