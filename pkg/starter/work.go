package starter

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ZPascal/container-manager/pkg/health"
	"github.com/ZPascal/container-manager/pkg/scriptdir"
	"github.com/ZPascal/container-manager/pkg/startorder"
	"github.com/ZPascal/container-manager/pkg/supervisor"
)

// work is what one goroutine knows and does.
type work struct {
	programs health.Programs
	order    startorder.Order
	probes   map[string][]scriptdir.Probe // by the program that they are of

	queue   *queue
	answers chan answer
	asking  sync.WaitGroup

	processes map[string]*process // by full name
	waiting   map[string]*waiter  // by full name
	asked     map[string]*asking  // by the program whose probes run, or have passed
	said      map[string]bool     // problems that are in the log
	recorded  string
}

// waiter is a process that has not been started.
type waiter struct {
	needs  []startorder.Need
	failed string // why supervisord does not start it
}

// resyncEvery is how often supervisord is asked all the same: it drops events when
// its buffer is full, and marks come and go without one.
const resyncEvery = 10 * time.Second

func (w *work) run(ctx context.Context) error {
	defer w.asking.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := w.load(); err != nil {
		return err
	}
	resync := time.NewTicker(resyncEvery)
	defer resync.Stop()
	if err := w.sync(ctx); err != nil {
		return err
	}
	for {
		retry, err := w.advance(ctx)
		if err != nil || len(w.waiting) == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-w.queue.wake:
			for _, e := range w.queue.take() {
				w.event(e)
			}
		case a := <-w.answers:
			w.answer(a)
		case <-resync.C:
			if err := w.sync(ctx); err != nil {
				return err
			}
		case <-time.After(w.pause(time.Now(), retry)):
			_ = w.programs.Client.Touch(ctx) // when supervisord is gone, so is this process
		}
	}
}

// unlessGone drops the error that supervisord shuts down or reloads: this process
// ends with it.
func unlessGone(err error) error {
	if fault, ok := errors.AsType[*supervisor.Fault](err); ok && fault.Code == supervisor.FaultShutdownState {
		return nil
	}
	return err
}

// load reads what waits, from the configuration that supervisord has.
func (w *work) load() error {
	probes, err := scriptdir.Probes(w.programs.Config.ReadinessDir)
	if err != nil {
		return err
	}
	var probed []string
	w.probes = map[string][]scriptdir.Probe{}
	for _, p := range probes {
		probed = append(probed, p.Program)
		w.probes[p.Program] = append(w.probes[p.Program], p)
	}
	conf := w.programs.Client.Conf()
	order, problems := startorder.Read(conf, probed)
	for _, p := range problems { // a probe has gone since the start
		w.programs.Log.Error().Msgf("%s:%d: %s", p.Path, p.Line, p.Text)
	}
	w.order = order
	for _, d := range order.Dependents {
		for _, name := range d.Processes {
			w.waiting[name] = &waiter{needs: d.Needs}
		}
	}
	return nil
}
