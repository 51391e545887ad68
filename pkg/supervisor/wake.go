package supervisor

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/abrander/go-supervisord"
	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/supervisorconf"
)

// ErrGone says that supervisord ended.
var ErrGone = errors.New("supervisord has ended")

const (
	// touchEvery is how often a starting supervisord is looked for. It takes
	// 100 ms and more to get as far as its socket.
	touchEvery = 4 * time.Millisecond
	// askEvery is how often a running one is asked when the answer may change at any
	// moment; every question wakes it too.
	askEvery = 50 * time.Millisecond
	// seldom is how often it is asked while no program will become RUNNING soon. Each
	// question about 50 programs costs it 5 ms.
	seldom = 250 * time.Millisecond
	// settling is how much longer it is asked when a program has just ended.
	settling = 3 * time.Second
)

// AwaitSocket waits until supervisord listens. The connection that finds it wakes it.
// It ends with ErrGone when alive says so.
func (c Client) AwaitSocket(ctx context.Context, alive func() bool) error {
	return repeat(ctx, alive, func() (time.Duration, error) {
		if c.Touch(ctx) == nil {
			return 0, nil
		}
		return touchEvery, nil
	})
}

// Wake waits until supervisord is there and every program that starts by itself is
// RUNNING, has run, or has failed, and returns what is known of all. These are the
// programs that supervisord starts, and those for which startsLater says so; before is
// called before each question. Both may be nil.
// Its questions keep supervisord awake, so that programs start and count as RUNNING as
// soon as they may. It waits a moment longer for what IsRestless. It ends with ErrGone
// when alive says so or supervisord shuts down. When ctx ends first, what is known is
// the result.
func (c Client) Wake(ctx context.Context, alive func() bool, before func(), startsLater func(supervisord.ProcessInfo) bool) ([]supervisord.ProcessInfo, error) {
	if err := c.AwaitSocket(ctx, alive); err != nil {
		return nil, err
	}
	configured := c.Configured()
	var infos []supervisord.ProcessInfo
	var up time.Time // when everything was for the first time
	starting := watch{}
	err := repeat(ctx, alive, func() (time.Duration, error) {
		if before != nil {
			before()
		}
		latest, err := c.Processes(ctx)
		if err != nil {
			return askEvery, unlessGone(err)
		}
		infos = latest
		var wait time.Duration
		for _, p := range infos {
			pause := untilChange(p, configured(p), starting.of(p))
			if pause == 0 && startsLater != nil && startsLater(p) {
				pause = askEvery
			}
			if pause != 0 && (wait == 0 || pause < wait) {
				wait = pause
			}
		}
		if wait != 0 {
			return wait, nil
		}
		if up.IsZero() {
			up = time.Now()
		}
		if slices.ContainsFunc(infos, IsRestless) && time.Since(up) <= settling {
			return askEvery, nil
		}
		return 0, nil
	})
	if ctx.Err() != nil && infos != nil {
		return infos, nil
	}
	return infos, err
}

// unlessGone returns ErrGone for the error of a supervisord that shuts down, and any
// other error as it is.
func unlessGone(err error) error {
	if fault, ok := errors.AsType[*Fault](err); ok && fault.Code == FaultShutdownState || errors.Is(err, unix.ECONNREFUSED) || errors.Is(err, unix.ENOENT) {
		return ErrGone
	}
	return err
}

// watch holds when processes were first seen to be STARTING. supervisord tells their
// start in whole seconds only.
type watch map[string]time.Time

// of returns how long a process has been STARTING, as far as was seen.
func (w watch) of(p supervisord.ProcessInfo) time.Duration {
	name := Name(p)
	if p.State != supervisord.StateStarting {
		delete(w, name)
		return 0
	}
	if w[name].IsZero() {
		w[name] = time.Now()
	}
	return time.Since(w[name])
}

// untilChange returns how long nothing needs to be asked about a process that is still
// to come up, and 0 for another. It has been seen STARTING for that long. One that is
// STOPPED and was never started is still to come up when supervisord starts it by itself.
func untilChange(p supervisord.ProcessInfo, configured supervisorconf.Process, starting time.Duration) time.Duration {
	switch p.State {
	case supervisord.StateStarting:
		// It started long before it was seen, and may be RUNNING at any moment.
		if p.Start+configured.StartSecs < p.Now {
			return askEvery
		}
		left := time.Duration(configured.StartSecs)*time.Second - starting
		return min(max(left-askEvery, askEvery), seldom)
	case supervisord.StateBackoff:
		return askEvery
	case supervisord.StateStopped:
		if configured.Autostart && p.Start == 0 {
			return askEvery
		}
	}
	return 0
}

// lastingSecs is how long a program that has ended has to run after that until it
// is believed to stay up; supervisord tells times in whole seconds.
const lastingSecs = 2

// IsRestless reports whether a process of a starting supervisord has just ended
// unexpectedly, whether or not it was started again.
func IsRestless(p supervisord.ProcessInfo) bool {
	switch p.State {
	case supervisord.StateExited:
		return p.SpawnErr != ""
	case supervisord.StateRunning:
		return p.Stop > 0 && p.Now-p.Start < lastingSecs
	}
	return false
}

// repeat calls ask until it returns no time to wait before the next call, or an error.
func repeat(ctx context.Context, alive func() bool, ask func() (time.Duration, error)) error {
	for {
		wait, err := ask()
		switch {
		case wait == 0 && err == nil:
			return nil
		case !alive():
			return ErrGone
		case err != nil:
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(wait):
		}
	}
}

// farewells are enough to occupy supervisord for some milliseconds.
const farewells = 32

// Farewell is for a child of supervisord to call just before it exits. It opens
// connections. supervisord accepts one in each round of its main loop, so it is awake
// when the child dies. It handles one signal a round: if it slept, a SIGTERM behind the
// child's SIGCHLD would have to wait for a second more. The exit closes the connections.
func (c Client) Farewell(ctx context.Context) {
	for range farewells {
		if _, err := c.dial(ctx); err != nil {
			return
		}
	}
}
