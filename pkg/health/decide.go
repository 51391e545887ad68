package health

import (
	"fmt"
	"time"

	"github.com/abrander/go-supervisord"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/startorder"
	"github.com/ZPascal/container-manager/pkg/stopmark"
	"github.com/ZPascal/container-manager/pkg/supervisor"
)

// forbidden returns why a kind of check may not restart programs, or "" when it may. A
// person, the empty Kind, always may.
func forbidden(c config.Config, k Kind) string {
	if k == Readiness && !bool(c.ReadinessForce) {
		return "readiness checks restart nothing (IMAGE_HEALTH_READINESS_FORCE_REBOOT)"
	}
	return ""
}

// situation is what is known when a check asks for the restart of a program.
type situation struct {
	now     time.Time
	since   time.Time // when the probe began; zero when that is not known
	grace   time.Duration
	process supervisord.ProcessInfo
	record  Record
	mark    *stopmark.Mark // nil when nobody holds the program
	waits   string         // what the program waits for until it is started; "" when for nothing
}

// refusal returns why the program is not restarted now, or "" when it is.
func (s situation) refusal() string {
	// supervisord tells times in whole seconds.
	start := time.Unix(int64(s.process.Start), 0)
	// A time after now comes from before the clock was set back, and is ignored. Otherwise no
	// check could restart the program until the clock has caught up.
	startKnown, lastKnown := !start.After(s.now), !s.record.Last.After(s.now)
	switch {
	case s.mark != nil:
		return s.mark.String()
	case s.waits != "":
		return s.waits
	case s.process.State == supervisord.StateStarting, s.process.State == supervisord.StateBackoff, s.process.State == supervisord.StateStopping:
		return fmt.Sprintf("is %s: supervisord is at it", s.process.StateName)
	case startKnown && !s.since.IsZero() && s.process.Start > 0 && !start.Before(s.since.Truncate(time.Second)):
		return "was started anew while its probe ran"
	case lastKnown && !s.since.IsZero() && s.record.Last.After(s.since):
		return "was restarted while its probe ran"
	case startKnown && s.process.State == supervisord.StateRunning && s.now.Sub(start) < s.grace:
		return fmt.Sprintf("was started less than %s ago (IMAGE_HEALTH_GRACE)", s.grace)
	}
	if wait := s.record.wait(s.now); wait > 0 {
		return fmt.Sprintf("was restarted %d times in a row: not again before %s have gone by", s.record.InARow, wait.Round(time.Second))
	}
	return ""
}

// holder returns the mark that keeps checks from starting a program, or nil. The mark of
// a restart does not: that restart starts the program itself, and the program's lock
// makes others wait for it.
func holder(c config.Config, program string) *stopmark.Mark {
	for _, m := range stopmark.All(c.RunDir) {
		if m.Program == program && m.For != stopmark.Restart && m.Holds() {
			return &m
		}
	}
	return nil
}

// notDue returns why a program, by its full name, is not to run now; ok is false when it
// is.
func notDue(c config.Config, program string) (why string, ok bool) {
	if mark := holder(c, program); mark != nil {
		return mark.String(), true
	}
	w, ok := startorder.ReadRecord(c.RunDir)[program]
	return w.String(), ok
}

// Stopped says, for people, who has stopped a program; "" when it has no mark. It is a
// problem when the holder of the mark is dead: then the program is down for no reason.
func Stopped(c config.Config, p supervisord.ProcessInfo) (who string, problem bool) {
	for _, m := range stopmark.All(c.RunDir) {
		switch {
		case m.Program != supervisor.Name(p):
		case !m.IsOrphan():
			return m.String(), false
		case p.Pid == 0: // the mark of a program that runs all the same does not matter
			who, problem = m.String(), true
		}
	}
	return who, problem
}
