// Package pid1 is what stays behind as the container's first process when the
// container is to end with its main program. It starts supervisord as a child,
// hands every signal on to it, reaps the orphans that a container's first process
// inherits, and stops everything once the main program has ended for good.
//
// One goroutine sends signals and reaps, so that no signal ever goes to a process
// id that has become another process. It reaps every process that ends, supervisord
// too, so nothing else in this process may wait for a child meanwhile.
package pid1

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/supervisor"
	"github.com/ZPascal/container-manager/pkg/supervisorlog"
)

// Init is the first process of a container with a main program.
type Init struct {
	Path string   // of supervisord
	Argv []string // its own name first
	Env  []string

	Client  supervisor.Client
	LogFile string // supervisord's log
	Program string // the main program; see supervisor.Select
	Log     log.Logger

	// Release ends the set-up's own listening for signals, once they are listened for
	// here: SIGHUP ends a set-up, and reloads supervisord. Nil where nobody listens.
	Release func() error
}

// wakeEvery is how often a stopping supervisord is woken: each phase of its
// shutdown sleeps for up to a second, and any connection ends that.
const wakeEvery = 10 * time.Millisecond

// newbornEvery is how often a stopping supervisord is looked at for programs that
// it had just begun; see newborns.
const newbornEvery = 20 * time.Millisecond

// Run runs supervisord until it ends by itself, by a signal, or because the main
// program has ended for good, and returns the exit status of the main program as
// a shell tells it: 128 and the signal for one that a signal ended. ctx asks for
// the end as SIGTERM does. Nothing that was started below is left.
func (p Init) Run(ctx context.Context) (status int, err error) {
	// Orphans come here also where this is not process 1.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		p.Log.Warn().Msgf("orphans are not reaped: %v", err)
	}
	signals := make(chan os.Signal, 32)
	signal.Notify(signals, forwarded()...)
	defer signal.Stop(signals)
	if p.Release != nil {
		_ = p.Release() // what came until now has ended ctx
	}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, unix.SIGCHLD)
	defer signal.Stop(ended)

	log := supervisorlog.MarkEnd(p.LogFile)
	pid, err := syscall.ForkExec(p.Path, p.Argv, &syscall.ProcAttr{
		Env: p.Env, Files: []uintptr{0, 1, 2},
		// A terminal's signals come here, and are handed on once.
		Sys: &syscall.SysProcAttr{Setpgid: true},
	})
	if err != nil {
		return 0, fmt.Errorf("cannot run %s: %w", p.Path, err)
	}
	c := child{pid: pid, log: p.Log}
	var helpers sync.WaitGroup
	helping, stopHelping := context.WithCancel(context.WithoutCancel(ctx))
	defer helpers.Wait()
	defer stopHelping()
	finished := make(chan end, 1)
	helpers.Go(func() { finished <- p.watch(helping) })
	var newborn *newborns // once supervisord was told to end
	tick := time.NewTicker(newbornEvery)
	tick.Stop()
	defer tick.Stop()
	stop := func(s syscall.Signal) {
		if newborn == nil {
			newborn = watchNewborns(pid)
			tick.Reset(newbornEvery)
			helpers.Go(func() { p.keepAwake(helping) })
		}
		c.forward(s)
	}

	var main end
	asked := ctx.Done()
	for !c.reap() {
		select {
		case s := <-signals:
			if s := s.(syscall.Signal); endsSupervisord(s) {
				stop(s)
			} else {
				c.forward(s)
			}
		case <-asked:
			asked = nil
			if newborn == nil { // the same signal may have come here too
				stop(unix.SIGTERM)
			}
		case main = <-finished:
			p.Log.Info().Msgf("%s %s: the container ends", p.Program, main.how)
			stop(unix.SIGTERM)
		case <-tick.C:
			newborn.tell()
		case <-ended:
		}
	}
	stopHelping()
	endDescendants(p.Log)
	return p.status(log, main, c.status), nil
}

// keepAwake wakes supervisord until ctx is done.
func (p Init) keepAwake(ctx context.Context) {
	tick := time.NewTicker(wakeEvery)
	defer tick.Stop()
	for {
		_ = p.Client.Touch(ctx) // an error means that supervisord does not listen, and is not there to be woken
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// endsSupervisord reports whether supervisord shuts down on a signal.
func endsSupervisord(s syscall.Signal) bool {
	return s == unix.SIGTERM || s == unix.SIGINT || s == unix.SIGQUIT
}
