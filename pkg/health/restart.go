package health

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/abrander/go-supervisord"

	"github.com/ZPascal/container-manager/pkg/backoff"
	"github.com/ZPascal/container-manager/pkg/pid1"
	"github.com/ZPascal/container-manager/pkg/startorder"
	"github.com/ZPascal/container-manager/pkg/supervisor"
)

// Request asks for a restart.
type Request struct {
	Names []string // as for supervisor.Select
	// Check is who asks; "" is a person, who is not made to wait.
	Check Kind
	Since time.Time // when the probe began that failed; zero when not known
	Why   string    // for people
}

// Restart restarts programs, except those that must be left alone; see situation. For
// these the error is ErrLeftAlone.
func (p Programs) Restart(ctx context.Context, r Request) error {
	var errs []error
	err := p.locked(ctx, r.Names, func(processes []supervisord.ProcessInfo) error {
		var ours []supervisord.ProcessInfo
		for _, process := range processes {
			if err := p.refuse(r, process); err != nil {
				p.Log.Warn().Msg(err.Error())
				errs = append(errs, err)
				continue
			}
			ours = append(ours, process)
		}
		if len(ours) == 0 {
			return nil
		}
		return p.restart(ctx, r, ours)
	})
	if r.Check != "" && errors.Is(err, supervisor.ErrUnknown) { // the name of the probe is not a program's
		p.Log.Info().Msgf("there is no program %s to restart", strings.Join(r.Names, ", "))
		err = ErrLeftAlone
	}
	return errors.Join(append(errs, err)...)
}

// refuse returns why a process is left alone.
func (p Programs) refuse(r Request, process supervisord.ProcessInfo) error {
	name := supervisor.Name(process)
	if r.Check == "" {
		return p.inOtherHands(name)
	}
	s := situation{
		now: p.Now(), since: r.Since, grace: time.Duration(p.Config.HealthGrace),
		process: process, record: ReadRecord(p.Config, name), mark: holder(p.Config, name),
	}
	if w, ok := startorder.ReadRecord(p.Config.RunDir).Of(process); ok {
		s.waits = w.String()
	}
	if pause, ok := backoff.Of(p.Config.RunDir, process); ok && !pause.IsOverdue(s.now) {
		s.waits = pause.Text(s.now)
	}
	if why := s.refusal(); why != "" {
		return fmt.Errorf("%s %s: %w", name, why, ErrLeftAlone)
	}
	return p.giveUp(r, name, s.record)
}

// giveUp has the container end when the restarts of a program have not helped; the
// error says so.
func (p Programs) giveUp(r Request, name string, record Record) error {
	limit := p.Config.HealthRestarts
	if !limit.Reached(p.Now(), record.ByCheck) {
		return nil
	}
	why := fmt.Sprintf("%s was restarted by checks %s (IMAGE_HEALTH_MAX_RESTARTS), and that has not helped: %s", name, limit, r.Why)
	if err := pid1.Ask(p.Config.RunDir, pid1.StatusRestarts, why); err != nil {
		p.Log.Error().Msgf("%s; but the container cannot be ended: %v", why, err)
		return nil
	}
	return fmt.Errorf("%s: %w", why, ErrLeftAlone)
}

// restart restarts processes, and writes their records twice: before, in case this
// process dies meanwhile, and after.
func (p Programs) restart(ctx context.Context, r Request, processes []supervisord.ProcessInfo) error {
	names := namesOf(processes)
	records := make([]Record, len(names))
	keep := func(i int) {
		if err := records[i].write(p.Config, names[i]); err != nil {
			p.Log.Warn().Msgf("the restart of %s is not on record: %v", names[i], err)
		}
	}
	for i, name := range names {
		records[i] = ReadRecord(p.Config, name).restarted(p.Now(), r.Why, r.Check != "")
		records[i].count(r.Check)
		keep(i)
	}
	p.Log.Info().Msgf("restarting %s: %s", strings.Join(names, ", "), r.Why)
	begin := time.Now()
	err := p.marked(ctx, processes, p.Client.Restart)
	for i := range names {
		records[i].Last = p.Now()
		if err != nil {
			records[i].Failed = err.Error()
		}
		keep(i)
	}
	p.tell(r, names, err)
	if err == nil {
		p.Log.Info().Msgf("restarted %s in %s", strings.Join(names, ", "), time.Since(begin).Round(time.Millisecond))
	}
	return err
}

// tell says in one line for the container's own log that programs were restarted, and
// why: the log of the check is a file.
func (p Programs) tell(r Request, names []string, err error) {
	text := fmt.Sprintf("restarted %s: %s", strings.Join(names, ", "), r.Why)
	if err != nil {
		text = fmt.Sprintf("cannot restart %s: %v; it was to be restarted because of this: %s", strings.Join(names, ", "), err, r.Why)
	}
	if p.Told != nil {
		p.Told(text)
	}
	if p.Restarted != nil && r.Check != "" {
		p.Restarted(names, text)
	}
}
