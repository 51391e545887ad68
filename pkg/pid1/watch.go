package pid1

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/abrander/go-supervisord"

	"github.com/ZPascal/container-manager/pkg/backoff"
	"github.com/ZPascal/container-manager/pkg/crashes"
	"github.com/ZPascal/container-manager/pkg/proc"
	"github.com/ZPascal/container-manager/pkg/stopmark"
	"github.com/ZPascal/container-manager/pkg/supervisor"
	"github.com/ZPascal/container-manager/pkg/supervisorlog"
)

// end is why the container ends by itself. The zero value is not at all.
type end struct {
	how    string // with the program's name
	failed bool   // it never came up, or cannot
	status int    // of the main program as supervisord tells it: -1 for a signal, 0 when it does not know
	code   int    // the container's exit status, where that is not the main program's
}

const (
	// atOnce is how soon supervisord is asked when it only has to notice something.
	atOnce = 5 * time.Millisecond
	// soon is how often it is asked while something is about to happen.
	soon = 50 * time.Millisecond
	// seldom is how often while a person or a backup keeps the program stopped.
	seldom = time.Second
	// atLast is how often while the program runs, in case that its end was missed.
	atLast = 30 * time.Second
)

// watched is a program with whose end the container ends.
type watched struct {
	Init
	program   string
	essential bool // and not the main one, with whose own status the container ends

	pid   int // as last seen
	looks int // at it
}

// watch returns when the program has ended and supervisord does not start it
// again, or when ctx is done.
func (w *watched) watch(ctx context.Context) end {
	var last *supervisord.ProcessInfo // EXITED, as last seen
	var since time.Time
	for {
		process, err := w.process(ctx)
		exited := err == nil && process.State == supervisord.StateExited
		if !exited {
			last = nil
		}
		wait := soon
		switch {
		case errors.Is(err, errNoMain) && w.essential: // a person has taken it out, or is putting it back
			wait = seldom
		case errors.Is(err, errNoMain):
			return end{how: w.program + " " + err.Error(), failed: true}
		case err != nil: // supervisord starts, reloads or ends
		case w.isHeld(process):
			wait = seldom
		case w.loops():
			return w.end(process, StatusLoops)
		case process.State == supervisord.StateFatal:
			return w.end(process, StatusFatal)
		case exited && w.startsAgain(process):
			wait = seldom
		case exited && (last == nil || last.Start != process.Start || last.Stop != process.Stop):
			last, since, wait = process, time.Now(), atOnce
		case exited && time.Since(since) >= w.settle(process):
			return w.end(process, StatusEnded)
		case process.State == supervisord.StateStarting, process.State == supervisord.StateRunning:
			wait = w.waitExit(ctx, process.Pid)
		case process.State == supervisord.StateStopped:
			wait = seldom
		}
		select {
		case <-ctx.Done():
			return end{}
		case <-time.After(wait):
		}
	}
}

// startsAgain reports whether the event listener is going to start an EXITED program; see
// package backoff.
func (w *watched) startsAgain(process *supervisord.ProcessInfo) bool {
	s := w.Client.Configured()(*process).Section
	return backoff.IsPaused(s) && backoff.StartsAgain(s, process.SpawnErr == "")
}

// isHeld reports whether the program is to be where it is: somebody holds it stopped.
func (w *watched) isHeld(process *supervisord.ProcessInfo) bool {
	_, held := stopmark.Get(w.RunDir, supervisor.Name(*process))
	return held
}

// loops reports whether an essential program ends again and again. supervisord's
// event listener records it; see package crashes.
func (w *watched) loops() bool {
	return w.essential && crashes.Load(w.RunDir, w.program).Loops(time.Now(), w.Limit)
}

// end is how the program ended.
func (w *watched) end(process *supervisord.ProcessInfo, code int) end {
	var e end
	last, known := supervisorlog.LastOf(w.LogFile, process.Name)
	switch code {
	case StatusFatal:
		e = end{how: "is FATAL: " + process.SpawnErr, failed: true}
		known = known && strings.HasPrefix(process.SpawnErr, "Exited") // else it did not even begin
	case StatusLoops:
		e.how = fmt.Sprintf("has ended unexpectedly %s (IMAGE_HEALTH_CRASHES)", w.Limit)
	default:
		e = end{how: "has ended", status: process.ExitStatus}
	}
	if known && !last.Stopped {
		e.how += ", it " + last.String()
	}
	e.how = w.program + " " + e.how
	if w.essential {
		e.code = code
	}
	return e
}

// errNoMain says that the main program's name does not stand for one process.
var errNoMain = errors.New("is not the name of one program: see IMAGE_MAIN_PROGRAM")

// process returns what supervisord knows of the program.
func (w *watched) process(ctx context.Context) (*supervisord.ProcessInfo, error) {
	all, err := w.Client.Processes(ctx)
	if err != nil {
		return nil, err
	}
	selected := supervisor.Select(all, w.program)
	if len(selected) != 1 {
		return nil, fmt.Errorf("%w, it stands for %d", errNoMain, len(selected))
	}
	return &selected[0], nil
}

// settle is how long a program has to stay EXITED, with the same times, before it is
// certain that supervisord does not start it again. supervisord would start it before
// its next answer. But with startsecs=0 the program may have EXITED once more by then,
// and the times, which are whole seconds, do not show it.
func (p Init) settle(process *supervisord.ProcessInfo) time.Duration {
	if p.Client.Configured()(*process).StartSecs > 0 {
		return 0
	}
	return 1100 * time.Millisecond
}

// waitExit waits until the program's process has ended, and returns how long to wait
// then until supervisord is asked: it has to have noticed. Of an essential program it
// lets the end of the former process get on record first.
func (w *watched) waitExit(ctx context.Context, pid int) time.Duration {
	const looks = 3
	if w.pid != pid {
		w.pid, w.looks = pid, 0
	}
	if w.looks++; w.essential && w.looks <= looks {
		return soon
	}
	ctx, cancel := context.WithTimeout(ctx, atLast)
	defer cancel()
	if stat, err := proc.ReadStat(pid); err == nil {
		proc.ID{PID: pid, Start: stat.Start}.Await(ctx)
	}
	return atOnce
}
