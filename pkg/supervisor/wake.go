package supervisor

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/abrander/go-supervisord"
	"golang.org/x/sys/unix"
)

// ErrGone says that supervisord ended.
var ErrGone = errors.New("supervisord has ended")

const (
	// touchEvery is how often a starting supervisord is looked for. It takes
	// 100 ms and more to get as far as its socket.
	touchEvery = 4 * time.Millisecond
	// askEvery is how often a running one is asked; every question wakes it too.
	askEvery = 50 * time.Millisecond
	// settling is how much longer it is asked when a program has just ended.
	settling = 3 * time.Second
)

// Wake waits until supervisord is there and every program that starts by itself is
// RUNNING, has run, or has failed, and returns what is known of all. These are the
// programs that supervisord starts, and those for which startsLater says so; before is
// called before each question. Both may be nil.
// Its questions keep supervisord awake, so that programs start and count as RUNNING as
// soon as they may. It waits a moment longer for what IsRestless. It ends with ErrGone
// when alive says so or supervisord shuts down. When ctx ends first, what is known is
// the result.
func (c Client) Wake(ctx context.Context, alive func() bool, before func(), startsLater func(supervisord.ProcessInfo) bool) ([]supervisord.ProcessInfo, error) {
	err := every(ctx, touchEvery, alive, func() (bool, error) { return c.Touch(ctx) == nil, nil })
	if err != nil {
		return nil, err
	}
	configured := c.Configured()
	var infos []supervisord.ProcessInfo
	var up time.Time // when everything was for the first time
	err = every(ctx, askEvery, alive, func() (bool, error) {
		if before != nil {
			before()
		}
		latest, err := c.Processes(ctx)
		if err != nil {
			return false, unlessGone(err)
		}
		infos = latest
		for _, p := range infos {
			if pending(p, configured(p).Autostart) || startsLater != nil && startsLater(p) {
				return false, nil
			}
		}
		if up.IsZero() {
			up = time.Now()
		}
		return !slices.ContainsFunc(infos, IsRestless) || time.Since(up) > settling, nil
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

// pending reports whether a process is still to come up. One that is STOPPED and was
// never started is, when supervisord starts it by itself.
func pending(p supervisord.ProcessInfo, autostart bool) bool {
	switch p.State {
	case supervisord.StateStarting, supervisord.StateBackoff:
		return true
	case supervisord.StateStopped:
		return autostart && p.Start == 0
	}
	return false
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

// every calls done now and at an interval until it returns true or an error.
func every(ctx context.Context, interval time.Duration, alive func() bool, done func() (bool, error)) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		ok, err := done()
		if ok {
			return nil
		}
		if !alive() {
			return ErrGone
		}
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
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
