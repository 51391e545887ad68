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
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, slices.DeleteFunc([]os.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGQUIT}, func(s os.Signal) bool {
		return signal.Ignored(s) || slices.Contains(others, s)
	})...)
	closed := make(chan os.Signal, 1)   // never read: a closed output ends nothing
	signal.Notify(closed, unix.SIGPIPE) // not ignored, because children would inherit that
	done := make(chan struct{})
	go func() {
		defer close(done)
		if s, ok := <-signals; ok {
			cancel(signalled{s.(syscall.Signal)})
		}
	}()
	release = sync.OnceValue(func() error {
		signal.Stop(closed)
		signal.Stop(signals) // what came before is in the channel now
		close(signals)
		<-done
		return context.Cause(ctx)
	})
	return ctx, release
}
