package starter

import (
	"fmt"
	"time"

	"github.com/ZPascal/container-manager/pkg/startorder"
)

// problems finds why something may wait for ever.
type problems struct {
	*work
	now   time.Time
	known map[string]string // by full name
	// roots are those that do not follow from others, with the processes that wait
	// for their end.
	roots map[string][]string
}

// of says why a process that waits may do so for ever; "" when nothing is wrong.
func (p problems) of(name string) string {
	if why, known := p.known[name]; known {
		return why
	}
	waiter := p.waiting[name]
	why := waiter.failed
	if why != "" {
		p.roots[name+" "+why] = nil
	}
	for _, n := range p.unmet(waiter) {
		for _, process := range n.Processes {
			if why == "" {
				why = p.ofNeed(name, n, process)
			}
		}
	}
	p.known[name] = why
	return why
}

// ofNeed says why a process that another one waits for may never be as it should.
func (p problems) ofNeed(waiter string, n startorder.Need, name string) string {
	if p.waiting[name] != nil {
		if p.of(name) == "" {
			return ""
		}
		return name + " does not start"
	}
	why := p.ofProcess(n, name)
	if why != "" {
		p.roots[why] = append(p.roots[why], waiter)
	}
	return why
}

func (p problems) ofProcess(n startorder.Need, name string) string {
	process := p.process(name)
	switch {
	case process.is(n.Condition) && n.Condition != startorder.Healthy:
		return "" // others of the same need are not
	case process.state == "FATAL":
		return name + " is FATAL"
	case process.isOver() && !process.expected:
		return name + " has ended with an exit status that is not expected"
	case process.isOver():
		return name + " has ended"
	case !p.isOverdue(process, p.now):
		return ""
	}
	why := fmt.Sprintf("%s is not %s %s after its start (IMAGE_START_TIMEOUT)", name, n.Condition, time.Duration(p.programs.Config.StartTimeout))
	if a := p.asked[n.Probe]; n.Condition == startorder.Healthy && a != nil && a.last != nil {
		why += ": " + a.last.Error()
	}
	return why
}

// isOverdue reports whether a process that something waits for has had its time.
func (w *work) isOverdue(p *process, now time.Time) bool {
	limit := time.Duration(w.programs.Config.StartTimeout)
	return limit > 0 && !p.started.IsZero() && now.Sub(p.started) >= limit
}
