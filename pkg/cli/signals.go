package cli

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

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
	ctx, release = signalContextOnDemand(parent)
	ctx.Done()
	return ctx, release
}

// listenAfter is when a context on demand listens for signals in any case.
const listenAfter = 10 * time.Millisecond

// signalContextOnDemand is signalContext for a start, which mostly has nothing to
// wait for and takes a few milliseconds: handlers cost it three threads and a tenth
// of that. They are set up when somebody waits for the context's end, or when the
// start takes longer.
func signalContextOnDemand(parent context.Context) (ctx context.Context, release func() error) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	done := make(chan struct{})
	var once sync.Once
	listen := func() {
		once.Do(func() {
			signal.Notify(signals, unix.SIGTERM, unix.SIGINT)
			go func() {
				defer close(done)
				if s, ok := <-signals; ok {
					cancel(signalled{s.(syscall.Signal)})
				}
			}()
		})
	}
	late := time.AfterFunc(listenAfter, listen)
	release = sync.OnceValue(func() error {
		late.Stop()
		once.Do(func() { close(done) }) // nobody has listened, and nobody will
		signal.Stop(signals)            // whatever came before is in the channel now
		close(signals)
		<-done
		return context.Cause(ctx)
	})
	return onDemand{ctx, listen}, release
}

// onDemand is a context that begins to listen once its end is waited for.
type onDemand struct {
	context.Context
	listen func()
}

func (c onDemand) Done() <-chan struct{} {
	c.listen()
	return c.Context.Done()
}
