package starter

import (
	"context"
	"errors"
	"runtime/debug"
	"time"

	"github.com/abrander/go-supervisord"

	"github.com/ZPascal/container-manager/pkg/backoff"
	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/health"
	"github.com/ZPascal/container-manager/pkg/supervisor"
	"github.com/ZPascal/container-manager/pkg/supervisorconf"
)

// BeginAgain returns a Starter of the programs that have ended and are started again
// after a pause; see package backoff.
func BeginAgain(load func() (health.Programs, error), failed func(error)) *Starter {
	return begin(failed, func(ctx context.Context, s *Starter) error {
		programs, err := load()
		if err != nil {
			return err
		}
		a := again{programs: programs, queue: &s.queue, paused: map[string]*supervisorconf.Section{}, records: map[string]backoff.Record{}}
		for _, p := range programs.Client.Conf().Processes() {
			if backoff.IsPaused(p.Section) {
				name := supervisor.FullName(p.Group, p.Name)
				a.paused[name], a.records[name] = p.Section, backoff.Load(programs.Config.RunDir, name)
			}
		}
		if len(a.paused) == 0 {
			return nil
		}
		debug.FreeOSMemory() // what the configuration was read with
		return unlessGone(a.run(ctx))
	})
}

// again is what one goroutine knows of the programs that it starts again. Their records
// are files, so that another listener goes on after a kill.
type again struct {
	programs health.Programs
	queue    *queue
	paused   map[string]*supervisorconf.Section // by full name of a process
	records  map[string]backoff.Record          // the same
}

// soon is how long to wait for somebody else who stops or starts a program, or for an
// answer of supervisord.
const soon = 200 * time.Millisecond

func (a *again) run(ctx context.Context) error {
	for {
		wait, err := a.look(ctx)
		if err != nil {
			return err
		}
		resync := time.After(wait)
		for news := false; !news; {
			select {
			case <-ctx.Done():
				return nil
			case <-resync:
				news = true
			case <-a.queue.wake:
				news = a.isNews()
			}
		}
	}
}

// isNews takes the events that are there, and reports whether one of the programs has
// ended, or was started in its pause.
func (a *again) isNews() (news bool) {
	for _, e := range a.queue.take() {
		name := supervisor.FullName(e.Payload["groupname"], e.Payload["processname"])
		if _, ours := a.paused[name]; !ours {
			continue
		}
		switch e.Name {
		case "PROCESS_STATE_EXITED":
			news = true
		case "PROCESS_STATE_STARTING": // by somebody else, where the pause is not over
			news = news || !a.records[name].Next.IsZero()
		}
	}
	return news
}

// look starts what is to be started by now, and returns when to look again at the
// latest. It asks supervisord and not the events, which a killed listener has missed.
func (a *again) look(ctx context.Context) (wait time.Duration, err error) {
	infos, err := a.programs.Client.Processes(ctx)
	if err != nil {
		return 0, err
	}
	wait = idle
	for _, info := range infos {
		name := supervisor.Name(info)
		section, ours := a.paused[name]
		if !ours {
			continue
		}
		if info.State != supervisord.StateExited { // somebody else has started it
			a.leave(name)
			continue
		}
		left, err := a.process(ctx, section, info)
		if err != nil {
			return 0, err
		}
		wait = min(wait, left)
	}
	return wait, nil
}

// process deals with a process that has ended, and returns when to look at it again.
func (a *again) process(ctx context.Context, s *supervisorconf.Section, info supervisord.ProcessInfo) (time.Duration, error) {
	name := supervisor.Name(info)
	// supervisord tells of an unexpected exit status in words.
	if !backoff.StartsAgain(s, info.SpawnErr == "") {
		a.leave(name) // somebody has started it in its pause, and this end is for good
		return idle, nil
	}
	if a.records[name].Next.IsZero() {
		a.pause(name, time.Duration(info.Stop-info.Start)*time.Second)
	}
	if left := a.left(name); left > 0 {
		return left, nil
	}
	return a.start(ctx, name)
}

// pause begins the pause of a program that has lived so long.
func (a *again) pause(name string, lived time.Duration) {
	a.keep(name, a.records[name].Ended(time.Now(), lived, time.Duration(a.programs.Config.RestartBackoff)))
}

// leave ends the pause of a program, if it is in one.
func (a *again) leave(name string) {
	if r := a.records[name]; !r.Next.IsZero() {
		r.Next = time.Time{}
		a.keep(name, r)
	}
}

func (a *again) left(name string) time.Duration {
	return a.records[name].Left(time.Now(), time.Duration(a.programs.Config.RestartBackoff))
}

// start starts a process, and returns when to look at it again.
func (a *again) start(ctx context.Context, name string) (wait time.Duration, err error) {
	err = a.programs.StartFirst(ctx, name)
	fault, refused := errors.AsType[*supervisor.Fault](err)
	switch {
	case err == nil:
		a.leave(name)
		return idle, nil
	case errors.Is(err, health.ErrLeftAlone): // whoever holds it starts it
		return maxDelay, nil
	case errors.Is(err, fsutil.ErrLocked):
		return soon, nil
	case refused && fault.Code == supervisor.FaultShutdownState:
		return 0, err
	case refused && fault.Code == supervisor.FaultBadName: // a person has removed it
		delete(a.paused, name)
		return idle, nil
	}
	a.programs.Log.Error().Msgf("cannot start %s again, trying once more: %v", name, err)
	if refused { // as when the program's file is gone
		a.pause(name, 0)
	}
	return max(firstDelay, a.left(name)), nil
}

func (a *again) keep(name string, r backoff.Record) {
	a.records[name] = r
	if err := r.Write(a.programs.Config.RunDir, name); err != nil {
		a.programs.Log.Warn().Msgf("the pause of %s is not on record: %v", name, err)
	}
}
