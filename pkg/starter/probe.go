package starter

import (
	"context"
	"slices"
	"time"

	"github.com/ZPascal/container-manager/pkg/health"
	"github.com/ZPascal/container-manager/pkg/script"
	"github.com/ZPascal/container-manager/pkg/scriptdir"
	"github.com/ZPascal/container-manager/pkg/startorder"
)

// asking is about the readiness probes of a program, from its start to its end.
type asking struct {
	cancel    context.CancelFunc
	processes []string // whose end is its end
	passed    bool
	last      error // why they have not passed
}

type answer struct {
	from *asking
	err  error // nil when all probes have passed
}

// ask begins to run the probes that a need is about, unless they run.
func (w *work) ask(ctx context.Context, n startorder.Need) {
	alive := func(name string) bool { return w.process(name).isAlive() }
	if w.asked[n.Probe] != nil || slices.ContainsFunc(n.Processes, func(name string) bool { return !alive(name) }) {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	a := &asking{cancel: cancel, processes: n.Processes}
	w.asked[n.Probe] = a
	probes := w.probes[n.Probe]
	w.asking.Go(func() { w.askUntilPassed(ctx, a, probes) })
}

// firstPause and maxPause bound the time between two rounds of probes. It grows with
// the time that has gone by, so that none is noticed later than by a fifth of it.
const (
	firstPause = 20 * time.Millisecond
	maxPause   = 2 * time.Second
	patience   = 5
)

func (w *work) askUntilPassed(ctx context.Context, a *asking, probes []scriptdir.Probe) {
	for began := time.Now(); ; {
		err := w.runProbes(ctx, probes)
		select {
		case <-ctx.Done():
			return
		case w.answers <- answer{a, err}:
		}
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(min(max(time.Since(began)/patience, firstPause), maxPause)):
		}
	}
}

// grace is how long a probe has between SIGTERM and SIGKILL.
const grace = time.Second

// runProbes runs probes one after the other until one fails. What they print nobody
// needs: that a program is not ready yet is no error.
func (w *work) runProbes(ctx context.Context, probes []scriptdir.Probe) error {
	c := w.programs.Config
	runner := scriptdir.Runner{Config: c, Log: w.programs.Log, Quiet: true}
	for _, p := range probes {
		err := runner.Run(ctx, p.File, script.Command{
			// A probe that restarts its program itself is not to do so now.
			Env:     append(slices.Clone(c.Environ), "IMAGE_HEALTH_CHECK="+string(health.Readiness), "IMAGE_HEALTH_READINESS_FORCE_REBOOT=false"),
			Output:  func(string) {},
			Timeout: time.Duration(c.HealthTimeout),
			Grace:   grace,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// answer takes note of what probes have said.
func (w *work) answer(a answer) {
	a.from.last, a.from.passed = a.err, a.err == nil
}

// forget drops what the probes of a process have said, and ends those that run.
func (w *work) forget(name string) {
	for program, a := range w.asked {
		if slices.Contains(a.processes, name) {
			a.cancel()
			delete(w.asked, program)
		}
	}
}
