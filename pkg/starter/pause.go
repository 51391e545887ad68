package starter

import (
	"time"

	"github.com/ZPascal/container-manager/pkg/startorder"
)

const (
	// atOnce is how soon something is tried again that is bound to succeed.
	atOnce = 20 * time.Millisecond
	// idle is a pause that something else ends.
	idle = time.Minute
)

// pause is how long to wait for events and answers until supervisord is to be woken,
// or a time limit is over. supervisord looks after its programs once a second, and
// says RUNNING or EXITED only then; a connection wakes it.
func (w *work) pause(now time.Time, retry bool) time.Duration {
	if retry {
		return atOnce
	}
	pause := idle
	for _, waiter := range w.waiting {
		for _, n := range w.unmet(waiter) {
			for _, name := range n.Processes {
				pause = min(pause, w.untilNews(n, w.process(name), now))
			}
		}
	}
	return pause
}

// untilNews is how long it is until there may be something to learn of a process.
func (w *work) untilNews(n startorder.Need, p *process, now time.Time) time.Duration {
	news := idle
	if limit := time.Duration(w.programs.Config.StartTimeout); limit > 0 && !p.started.IsZero() && !w.isOverdue(p, now) {
		news = p.started.Add(limit).Sub(now)
	}
	if !p.isAlive() || n.Condition == startorder.Healthy {
		return news // events tell the former, and probes the latter
	}
	lived := now.Sub(p.since)
	if left := time.Duration(p.conf.StartSecs)*time.Second - lived; p.state == "STARTING" && left > 0 {
		return min(news, left+time.Millisecond) // it may be RUNNING then
	}
	return min(news, max(lived/10, atOnce), time.Second) // it may end
}
