package starter

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/abrander/go-supervisord"

	"github.com/ZPascal/container-manager/pkg/backoff"
	"github.com/ZPascal/container-manager/pkg/events"
	"github.com/ZPascal/container-manager/pkg/supervisor"
	"github.com/ZPascal/container-manager/pkg/supervisorconf"
)

// process is what is known of a process.
type process struct {
	conf  supervisorconf.Process
	state string // as supervisord's events call it
	// started is when it was first started since it last was STOPPED; zero while it
	// is. A start that failed does not set the clock back.
	started   time.Time
	since     time.Time // when it came to its state
	expected  bool      // its last end was
	exited    bool      // once
	completed bool      // once, as expected
}

func (p *process) isAlive() bool { return p.state == "STARTING" || p.state == "RUNNING" }

// isOver reports whether it has ended, and nobody starts it again.
func (p *process) isOver() bool {
	return p.state == "EXITED" && !backoff.StartsAgain(p.conf.Section, p.expected)
}

func (w *work) process(name string) *process {
	p := w.processes[name]
	if p == nil {
		p = &process{state: "STOPPED"}
		p.conf, _ = w.order.Process(name)
		w.processes[name] = p
	}
	return p
}

// event takes note of a change.
func (w *work) event(e events.Event) {
	state, ok := strings.CutPrefix(e.Name, "PROCESS_STATE_")
	name := supervisor.FullName(e.Payload["groupname"], e.Payload["processname"])
	if _, known := w.order.Process(name); ok && known {
		w.changed(name, state, e.Payload["expected"] == "1", time.Now())
	}
}

// changed makes a state that of a process, as of a time.
func (w *work) changed(name, state string, expected bool, at time.Time) {
	p := w.process(name)
	wasAlive := p.isAlive()
	p.state, p.since = state, at
	switch state {
	case "STARTING", "RUNNING":
		if p.started.IsZero() {
			p.started = at
		}
	case "STOPPING", "STOPPED":
		p.started = time.Time{}
	case "EXITED":
		p.expected, p.exited = expected, true
		p.completed = p.completed || expected
	}
	if wasAlive && !p.isAlive() { // what its probes said is about another process
		w.forget(name)
	}
	delete(w.waiting, name) // it was started: by this process, or by a person
}

// sync makes what supervisord says now what is known.
func (w *work) sync(ctx context.Context) error {
	infos, err := w.programs.Client.Processes(ctx)
	if err != nil {
		return err
	}
	for _, info := range infos {
		name := supervisor.Name(info)
		if _, known := w.order.Process(name); !known || w.process(name).state == info.StateName {
			continue
		}
		at := time.Now()
		if info.Pid != 0 {
			at = time.Unix(int64(info.Start), 0)
		}
		w.changed(name, info.StateName, w.isExpected(name, info), at)
	}
	for _, info := range infos {
		if info.State != supervisord.StateStopped || info.Start > 0 {
			delete(w.waiting, supervisor.Name(info))
		}
	}
	return nil
}

// isExpected reports whether the last end of a process was, as far as its exit
// status tells.
func (w *work) isExpected(name string, info supervisord.ProcessInfo) bool {
	codes := strings.Split(w.process(name).conf.Section.Value("exitcodes", "0"), ",")
	return slices.ContainsFunc(codes, func(code string) bool { return strings.TrimSpace(code) == strconv.Itoa(info.ExitStatus) })
}
