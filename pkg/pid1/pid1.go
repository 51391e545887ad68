// Package pid1 is what stays behind as the container's first process when the
// container is to end with one of its programs, or has something to do at its end. It starts supervisord as a child,
// hands every signal on to it, reaps the orphans that a container's first process
// inherits, and stops everything once there is a reason to: the main program has ended
// for good, an essential one has failed, or another process asks for it (Ask).
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

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/supervisor"
	"github.com/ZPascal/container-manager/pkg/supervisorlog"
)

// Init is the first process of a container that does not leave its place to
// supervisord.
type Init struct {
	Path string   // of supervisord
	Argv []string // its own name first
	Env  []string

	Client  supervisor.Client
	LogFile string // supervisord's log
	Program string // the main program, "" for none; see supervisor.Select
	Log     log.Logger
	RunDir  string // IMAGE_RUN_DIR

	Essential []string    // full names of the programs that the container is nothing without
	Limit     config.Rate // how often one of these may crash
	// Ending is told, once, why the container ends by itself, and whether that is a failure.
	Ending func(why string, failed bool)

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

// Run runs supervisord until it ends by itself, by a signal, or because the container
// is to end. It returns the status for that reason, else the exit status of the main
// program as a shell tells it, 128 and the signal for one that a signal ended, else
// supervisord's own. ctx asks for the end as SIGTERM does. Nothing that was started
// below is left.
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

	if err := sign(p.RunDir); err != nil {
		p.Log.Warn().Msgf("nobody else can end this container: %v", err)
	}
	log := supervisorlog.MarkEnd(p.LogFile)
	pid, err := syscall.ForkExec(p.Path, p.Argv, &syscall.ProcAttr{
		Env: p.Env, Files: []uintptr{0, 1, 2},
		// A terminal's signals come here, and are handed on once.
		Sys: &syscall.SysProcAttr{Setpgid: true},
	})
	if err != nil {
		return 0, fmt.Errorf("cannot run %s: %w", p.Path, err)
	}
	l := life{Init: p, child: child{pid: pid, log: p.Log}, tick: time.NewTicker(newbornEvery)}
	l.tick.Stop()
	defer l.tick.Stop()
	var stopHelping func()
	l.helping, stopHelping = context.WithCancel(context.WithoutCancel(ctx))
	defer l.helpers.Wait()
	defer stopHelping()
	l.last(ctx, signals, ended, l.watchAll())
	stopHelping()
	endDescendants(p.Log)
	return p.status(log, l.why, l.child.status), nil
}

// life is supervisord's.
type life struct {
	Init
	child   child
	why     end          // the container ends by itself; see Ending
	newborn *newborns    // once supervisord was told to end
	tick    *time.Ticker // for the newborns

	helping context.Context
	helpers sync.WaitGroup
}

// last returns when supervisord has ended.
func (l *life) last(ctx context.Context, signals, ended <-chan os.Signal, finished <-chan end) {
	asked := ctx.Done()
	for !l.child.reap() {
		select {
		case s := <-signals:
			l.signalled(s.(syscall.Signal))
		case <-asked:
			asked = nil
			if l.newborn == nil { // the same signal may have come here too
				l.stop(unix.SIGTERM)
			}
		case e := <-finished:
			l.end(e)
		case <-l.tick.C:
			l.newborn.tell()
		case <-ended:
		}
	}
}

func (l *life) signalled(s syscall.Signal) {
	if s == unix.SIGTERM && l.newborn == nil {
		if e, ok := wasAsked(l.RunDir); ok {
			l.end(e)
			return
		}
	}
	if endsSupervisord(s) {
		l.stop(s)
	} else {
		l.child.forward(s)
	}
}

// end ends the container for a reason. Once it ends anyway there is no other.
func (l *life) end(e end) {
	if l.newborn == nil {
		l.why = e
		level := l.Log.Info
		if e.code != 0 {
			level = l.Log.Error
		}
		level().Msg(e.line())
		if l.Ending != nil {
			l.Ending(e.line(), e.code != 0 || e.failed || e.status != 0)
		}
	}
	l.stop(unix.SIGTERM)
}

func (l *life) stop(s syscall.Signal) {
	if l.newborn == nil {
		l.newborn = watchNewborns(l.child.pid)
		l.tick.Reset(newbornEvery)
		l.helpers.Go(func() { l.keepAwake(l.helping) })
	}
	l.child.forward(s)
}

// watchAll watches the main program and the essential ones. What ends the container
// comes through the channel.
func (l *life) watchAll() <-chan end {
	all := make([]watched, 0, 1+len(l.Essential))
	if l.Program != "" {
		all = append(all, watched{Init: l.Init, program: l.Program})
	}
	for _, name := range l.Essential {
		all = append(all, watched{Init: l.Init, program: name, essential: true})
	}
	finished := make(chan end, len(all)) // so that nobody waits for a reader
	for _, w := range all {
		l.helpers.Go(func() {
			if e := w.watch(l.helping); e != (end{}) {
				finished <- e
			}
		})
	}
	return finished
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
