package starter

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/health"
	"github.com/ZPascal/container-manager/pkg/startorder"
	"github.com/ZPascal/container-manager/pkg/stopmark"
	"github.com/ZPascal/container-manager/pkg/supervisor"
)

// advance starts what need not wait any longer, has probes run for the rest, and
// keeps the record of it. retry says that something is to be tried again soon.
func (w *work) advance(ctx context.Context) (retry bool, err error) {
	for _, name := range slices.Sorted(maps.Keys(w.waiting)) {
		process := w.waiting[name]
		unmet := w.unmet(process)
		if len(unmet) == 0 && process.failed == "" {
			again, err := w.start(ctx, name)
			if err != nil {
				return false, err
			}
			retry = retry || again
		}
		for _, n := range unmet {
			if n.Condition == startorder.Healthy {
				w.ask(ctx, n)
			}
		}
	}
	w.report(time.Now())
	return retry, nil
}

// unmet returns what a process still waits for.
func (w *work) unmet(process *waiter) []startorder.Need {
	return slices.DeleteFunc(slices.Clone(process.needs), w.isMet)
}

func (w *work) isMet(n startorder.Need) bool {
	if n.Condition == startorder.Healthy {
		a := w.asked[n.Probe]
		return a != nil && a.passed
	}
	return !slices.ContainsFunc(n.Processes, func(name string) bool { return !w.process(name).is(n.Condition) })
}

// is reports whether a process meets a condition other than healthy. One that had
// little to do, and has done it, counts as running.
func (p *process) is(c startorder.Condition) bool {
	switch c {
	case startorder.Completed:
		return p.completed
	case startorder.Exited:
		return p.exited
	default:
		return p.state == "RUNNING" || p.state == "EXITED" && p.expected
	}
}

// start starts a process, which then waits no more. again says that it could not be
// started now.
func (w *work) start(ctx context.Context, name string) (again bool, err error) {
	err = w.programs.StartFirst(ctx, name)
	fault, refused := errors.AsType[*supervisor.Fault](err)
	switch {
	case errors.Is(err, health.ErrLeftAlone): // whoever holds it starts it
		return false, nil
	case errors.Is(err, fsutil.ErrLocked):
		return true, nil
	case refused && fault.Code == supervisor.FaultShutdownState:
		return false, err
	case refused && fault.Code == supervisor.FaultBadName: // a person has removed it
		delete(w.waiting, name)
	case refused:
		w.waiting[name].failed = "cannot be started: " + err.Error()
	case err != nil:
		w.programs.Log.Error().Msgf("cannot start %s, trying again: %v", name, err)
		return true, nil
	default:
		w.programs.Log.Info().Msgf("started %s after %s", name, strings.Join(startorder.Texts(w.waiting[name].needs), ", "))
		delete(w.waiting, name)
	}
	return false, nil
}

// report keeps the record of what waits, and puts what is wrong in the log. Programs
// that are held stopped wait for somebody else.
func (w *work) report(now time.Time) {
	held := map[string]bool{}
	for _, m := range stopmark.All(w.programs.Config.RunDir) {
		held[m.Program] = held[m.Program] || m.For != stopmark.Restart && m.Holds()
	}
	p := problems{work: w, now: now, known: map[string]string{}, roots: map[string][]string{}}
	record := startorder.Record{}
	for name, process := range w.waiting {
		if !held[name] {
			record[name] = startorder.Waiting{For: startorder.Texts(w.unmet(process)), Problem: p.of(name)}
		}
	}
	w.say(p.roots)
	w.keep(record)
}

// say puts new problems in the log, once each, with what waits for their end.
func (w *work) say(problems map[string][]string) {
	said := map[string]bool{}
	for _, why := range slices.Sorted(maps.Keys(problems)) {
		said[why] = true
		if !w.said[why] {
			text := why
			if waiters := slices.Sorted(slices.Values(problems[why])); len(waiters) > 0 {
				text += "; waiting for it: " + strings.Join(waiters, ", ")
			}
			w.programs.Log.Error().Msg(text)
			if w.programs.Told != nil {
				w.programs.Told(text)
			}
		}
	}
	w.said = said
}

// keep writes the record when it has changed.
func (w *work) keep(record startorder.Record) {
	data := record.Encode()
	if string(data) == w.recorded {
		return
	}
	if err := fsutil.Replace(startorder.Path(w.programs.Config.RunDir), data, 0o600); err != nil {
		w.programs.Log.Warn().Msgf("what waits is not on record: %v", err)
		return
	}
	w.recorded = string(data)
}
