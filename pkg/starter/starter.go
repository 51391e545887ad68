// Package starter starts the programs that wait for others (see startorder), and those
// that have ended and are started again after a pause (see backoff). It is part of
// supervisord's event listener, which lives as long as supervisord does.
//
// What it knows comes from supervisord's events; it asks supervisord when it
// begins, so that a listener that was killed goes on where it stood. Readiness
// probes it runs itself, only those of programs that something waits for, and only
// until they pass. It never keeps an event waiting, starts each program once, and is
// gone when nothing waits any more.
package starter

import (
	"context"
	"os"
	"runtime/debug"
	"time"

	"github.com/ZPascal/container-manager/pkg/events"
	"github.com/ZPascal/container-manager/pkg/health"
	"github.com/ZPascal/container-manager/pkg/startorder"
)

// Starter starts programs. A nil one does nothing.
type Starter struct {
	queue  queue
	cancel context.CancelFunc
	ended  chan struct{}
}

// Begin returns a Starter when any program waits for another. load is called when
// one does, and need not be quick.
func Begin(runDir string, load func() (health.Programs, error), failed func(error)) *Starter {
	if _, err := os.Lstat(startorder.Path(runDir)); err != nil {
		return nil
	}
	return begin(failed, func(ctx context.Context, s *Starter) error { return s.run(ctx, load) })
}

// begin returns a Starter whose goroutine calls run until it returns no error.
func begin(failed func(error), run func(context.Context, *Starter) error) *Starter {
	ctx, cancel := context.WithCancel(context.Background())
	s := &Starter{queue: queue{wake: make(chan struct{}, 1)}, cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(s.ended)
		for delay := firstDelay; ; delay = min(2*delay, maxDelay) {
			began := time.Now()
			err := run(ctx, s)
			if err == nil || ctx.Err() != nil {
				break
			}
			failed(err)
			if time.Since(began) > maxDelay { // it has worked meanwhile
				delay = firstDelay
			}
			select {
			case <-ctx.Done():
			case <-time.After(delay):
			}
		}
		s.queue.close()
		debug.FreeOSMemory() // the rest of the listener's life needs little
	}()
	return s
}

// The time between two attempts doubles from firstDelay up to maxDelay.
const (
	firstDelay = time.Second
	maxDelay   = 30 * time.Second
)

func (s *Starter) run(ctx context.Context, load func() (health.Programs, error)) error {
	programs, err := load()
	if err != nil {
		return err
	}
	w := &work{
		programs: programs, queue: &s.queue, answers: make(chan answer),
		processes: map[string]*process{}, waiting: map[string]*waiter{}, asked: map[string]*asking{}, said: map[string]bool{},
	}
	return unlessGone(w.run(ctx))
}

// Handle takes note of an event, and never waits.
func (s *Starter) Handle(e events.Event) {
	if s != nil {
		s.queue.add(e)
	}
}

// End ends the probes that run, and returns when they have ended.
func (s *Starter) End() {
	if s != nil {
		s.cancel()
		<-s.ended
	}
}
