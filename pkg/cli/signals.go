package cli

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// signalled is the cause of a context that a signal ended.
type signalled struct{ signal syscall.Signal }

func (s signalled) Error() string { return "ended by " + unix.SignalName(s.signal) }

// exitCode is the one that a shell reports for the signal.
func (s signalled) exitCode() int { return 128 + int(s.signal) }

// signalContext returns a context that SIGTERM or SIGINT ends, with a signalled
// as its cause. release gives both signals back to the system, and returns the
// cause when one had come until then.
func signalContext(parent context.Context) (ctx context.Context, release func() error) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGTERM, unix.SIGINT)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if s, ok := <-signals; ok {
			cancel(signalled{s.(syscall.Signal)})
		}
	}()
	release = sync.OnceValue(func() error {
		signal.Stop(signals) // what came before is in the channel now
		close(signals)
		<-done
		return context.Cause(ctx)
	})
	return ctx, release
}
