package cli

import (
	"context"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// signalled is the cause of a context that a signal ended.
type signalled struct{ signal syscall.Signal }

func (s signalled) Error() string { return "ended by " + unix.SignalName(s.signal) }

// exitCode is the one that a shell reports for the signal.
func (s signalled) exitCode() int { return 128 + int(s.signal) }

// signalContext returns a context that SIGTERM, SIGINT, SIGHUP and SIGQUIT end; its
// cause is a signalled. The signals in others do not end it, because they mean something
// else to the command, nor does a signal that is ignored from the beginning, as under
// nohup. A closed pipe does not end it either: the write fails, and the command goes on.
// release gives the signals back to the system, and returns the cause when a signal has
// come before.
func signalContext(parent context.Context, others ...os.Signal) (ctx context.Context, release func() error) {
	s := newSignals(parent, others...)
	s.Listen()
	return s.ctx, s.Release
}

// signals end a context once Listen has been called. Before that, each does what it does
// to any process: it ends this one at once.
type signals struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	others []os.Signal

	listen, release sync.Once
	stop            func() // nil where nobody listens
}

func newSignals(parent context.Context, others ...os.Signal) *signals {
	s := &signals{others: others}
	s.ctx, s.cancel = context.WithCancelCause(parent)
	return s
}

// Listen lets signals end the context, unless it has been called before.
func (s *signals) Listen() {
	s.listen.Do(func() {
		came := make(chan os.Signal, 1)
		signal.Notify(came, slices.DeleteFunc([]os.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGQUIT}, func(other os.Signal) bool {
			return signal.Ignored(other) || slices.Contains(s.others, other)
		})...)
		closed := make(chan os.Signal, 1)   // never read: a closed output ends nothing
		signal.Notify(closed, unix.SIGPIPE) // not ignored, because children would inherit that
		done := make(chan struct{})
		go func() {
			defer close(done)
			if first, ok := <-came; ok {
				s.cancel(signalled{first.(syscall.Signal)})
			}
		}()
		s.stop = func() {
			signal.Stop(closed)
			signal.Stop(came) // what came before is in the channel now
			close(came)
			<-done
		}
	})
}

// Release gives the signals back to the system, for good. It returns the context's cause
// when a signal has come before.
func (s *signals) Release() error {
	s.release.Do(func() {
		s.listen.Do(func() {}) // no more
		if s.stop != nil {
			s.stop()
		}
	})
	return context.Cause(s.ctx)
}
