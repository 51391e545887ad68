package health

import (
	"fmt"
	"time"

	"github.com/abrander/go-supervisord"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/held"
	"github.com/ZPascal/container-manager/pkg/supervisor"
)

// situation is what is known when a check asks for the restart of a program.
type situation struct {
	now     time.Time
	since   time.Time // when the probe began; zero when that is not known
	grace   time.Duration
	process supervisord.ProcessInfo
	record  Record
	mark    *held.Mark // nil when nobody holds the program
}

// refusal says why the program is not restarted now; "" when it is.
func (s situation) refusal() string {
	// supervisord tells times in whole seconds.
	start := time.Unix(int64(s.process.Start), 0)
	switch {
	case s.mark != nil:
		return heldBy(*s.mark)
	case s.process.State == supervisord.StateStarting, s.process.State == supervisord.StateBackoff, s.process.State == supervisord.StateStopping:
		return fmt.Sprintf("is %s: supervisord is at it", s.process.StateName)
	case !s.since.IsZero() && s.process.Start > 0 && !start.Before(s.since.Truncate(time.Second)):
		return "was started anew while its probe ran"
	case !s.since.IsZero() && s.record.Last.After(s.since):
		return "was restarted while its probe ran"
	case s.process.State == supervisord.StateRunning && s.now.Sub(start) < s.grace:
		return fmt.Sprintf("was started less than %s ago (IMAGE_HEALTH_GRACE)", s.grace)
	}
	if wait := s.record.wait(s.now); wait > 0 {
		return fmt.Sprintf("was restarted %d times in a row: not again before %s have gone by", s.record.InARow, wait.Round(time.Second))
	}
	return ""
}

// holder returns the mark that holds a process, if there is one. Marks bear the
// names that people and configurations use, of groups too.
func holder(c config.Config, group, name string) *held.Mark {
	for _, m := range held.All(c.RunDir) {
		if supervisor.Stands(m.Program, group, name) {
			return &m
		}
	}
	return nil
}

// Held says who holds a process stopped; "" when nobody does.
func Held(c config.Config, p supervisord.ProcessInfo) string {
	if mark := holder(c, p.Group, p.Name); mark != nil {
		return heldBy(*mark)
	}
	return ""
}

func heldBy(m held.Mark) string {
	if m.PID == 0 {
		return fmt.Sprintf("is held stopped (%s): container-manager start starts it", m.Why)
	}
	return fmt.Sprintf("is held stopped by process %d (%s)", m.PID, m.Why)
}
