package pid1

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/abrander/go-supervisord"

	"github.com/ZPascal/container-manager/pkg/proc"
	"github.com/ZPascal/container-manager/pkg/supervisor"
)

// end is how the main program ended for good. The zero value means that it has not
// ended.
type end struct {
	how    string
	failed bool // it never came up, or cannot
	status int  // as supervisord tells it: -1 for a signal, 0 when it does not know
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

// watch returns when the main program has ended and supervisord does not start
// it again, or when ctx is done.
func (p Init) watch(ctx context.Context) end {
	var last *supervisord.ProcessInfo // EXITED, as last seen
	var since time.Time
	for {
		process, err := p.main(ctx)
		exited := err == nil && process.State == supervisord.StateExited
		if !exited {
			last = nil
		}
		wait := soon
		switch {
		case errors.Is(err, errNoMain):
			return end{how: err.Error(), failed: true}
		case err != nil: // supervisord starts, reloads or ends
		case process.State == supervisord.StateFatal:
			return end{how: "is FATAL: " + process.SpawnErr, failed: true}
		case exited && (last == nil || last.Start != process.Start || last.Stop != process.Stop):
			last, since, wait = process, time.Now(), atOnce
		case exited && time.Since(since) >= p.settle(process):
			return end{how: "has ended", status: process.ExitStatus}
		case process.State == supervisord.StateStarting, process.State == supervisord.StateRunning:
			wait = waitExit(ctx, process.Pid)
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

// errNoMain says that the main program's name does not stand for one process.
var errNoMain = errors.New("is not the name of one program: see IMAGE_MAIN_PROGRAM")

// main returns what supervisord knows of the main program.
func (p Init) main(ctx context.Context) (*supervisord.ProcessInfo, error) {
	all, err := p.Client.Processes(ctx)
	if err != nil {
		return nil, err
	}
	selected := supervisor.Select(all, p.Program)
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

// waitExit waits until a process has ended. It returns how long to wait before
// supervisord is asked, because supervisord has to notice the end first.
func waitExit(ctx context.Context, pid int) time.Duration {
	ctx, cancel := context.WithTimeout(ctx, atLast)
	defer cancel()
	if stat, err := proc.ReadStat(pid); err == nil {
		proc.ID{PID: pid, Start: stat.Start}.Await(ctx)
	}
	return atOnce
}
