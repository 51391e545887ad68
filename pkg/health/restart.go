package health

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/abrander/go-supervisord"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/held"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/supervisor"
)

// ErrLeftAlone says that a program was, on purpose, not touched.
var ErrLeftAlone = errors.New("left alone")

// Programs stops, starts and restarts programs, one at a time each: whoever
// does so holds a lock on the program, in whatever process.
type Programs struct {
	Config config.Config
	Client supervisor.Client
	Log    log.Logger
	// Now is time.Now, but for tests.
	Now func() time.Time
}

// Request asks for a restart.
type Request struct {
	Names []string // as for supervisor.Select
	// Check is who asks; "" is a person, who is not made to wait.
	Check Kind
	Since time.Time // when the probe began that failed; zero when not known
	Why   string    // for people
}

// Restart restarts programs, except those that the situation says to leave
// alone: then the error is ErrLeftAlone.
func (p Programs) Restart(ctx context.Context, r Request) error {
	var errs []error
	err := p.locked(ctx, r.Names, func(processes []supervisord.ProcessInfo) error {
		var names []string
		for _, process := range processes {
			name := supervisor.Name(process)
			if err := p.refuse(r, process); err != nil {
				p.Log.Warn().Msg(err.Error())
				errs = append(errs, err)
				continue
			}
			names = append(names, name)
		}
		if len(names) == 0 {
			return nil
		}
		return p.restart(ctx, r, names)
	})
	return errors.Join(append(errs, err)...)
}

// refuse returns why a process is left alone.
func (p Programs) refuse(r Request, process supervisord.ProcessInfo) error {
	name := supervisor.Name(process)
	if r.Check == "" {
		return p.releaseMarks(process)
	}
	s := situation{
		now: p.Now(), since: r.Since, grace: time.Duration(p.Config.HealthGrace),
		process: process, record: ReadRecord(p.Config, name), mark: holder(p.Config, process.Group, process.Name),
	}
	if why := s.refusal(); why != "" {
		return fmt.Errorf("%s %s: %w", name, why, ErrLeftAlone)
	}
	return nil
}

// restart restarts processes and keeps a record of it: one before, in case that
// it is not lived to see the end, and one after.
func (p Programs) restart(ctx context.Context, r Request, names []string) error {
	records := make([]Record, len(names))
	keep := func(i int) {
		if err := records[i].write(p.Config, names[i]); err != nil {
			p.Log.Warn().Msgf("the restart of %s is not on record: %v", names[i], err)
		}
	}
	for i, name := range names {
		records[i] = ReadRecord(p.Config, name).restarted(p.Now(), r.Why, r.Check != "")
		keep(i)
	}
	p.Log.Info().Msgf("restarting %s: %s", strings.Join(names, ", "), r.Why)
	begin := time.Now()
	err := p.Client.Restart(ctx, names...)
	for i := range names {
		records[i].Last = p.Now()
		if err != nil {
			records[i].Failed = err.Error()
		}
		keep(i)
	}
	if err == nil {
		p.Log.Info().Msgf("restarted %s in %s", strings.Join(names, ", "), time.Since(begin).Round(time.Millisecond))
	}
	return err
}

// Stop stops programs; see supervisor.Client.Stop.
func (p Programs) Stop(ctx context.Context, name string) error {
	return p.locked(ctx, []string{name}, func([]supervisord.ProcessInfo) error { return p.Client.Stop(ctx, name) })
}

// Start starts programs; see supervisor.Client.Start.
func (p Programs) Start(ctx context.Context, name string) error {
	return p.locked(ctx, []string{name}, func([]supervisord.ProcessInfo) error { return p.Client.Start(ctx, name) })
}

// StopForGood stops programs for a person: until StartAgain, no check starts
// them.
func (p Programs) StopForGood(ctx context.Context, name, why string) error {
	return p.locked(ctx, []string{name}, func(processes []supervisord.ProcessInfo) error {
		for _, process := range processes {
			if err := p.releaseMarks(process); err != nil {
				return err
			}
			if err := held.HoldForGood(p.Config.RunDir, supervisor.Name(process), why); err != nil {
				return err
			}
		}
		return p.Client.Stop(ctx, name)
	})
}

// StartAgain starts programs that StopForGood may have stopped.
func (p Programs) StartAgain(ctx context.Context, name string) error {
	return p.locked(ctx, []string{name}, func(processes []supervisord.ProcessInfo) error {
		for _, process := range processes {
			if err := p.releaseMarks(process); err != nil {
				return err
			}
		}
		return p.Client.Start(ctx, name)
	})
}

// releaseMarks removes a person's marks on a process. What a backup or restore
// holds stopped is left alone: its data is in their hands.
func (p Programs) releaseMarks(process supervisord.ProcessInfo) error {
	for {
		mark := holder(p.Config, process.Group, process.Name)
		if mark == nil {
			return nil
		}
		if mark.PID != 0 {
			return fmt.Errorf("%s %s: %w; wait for it to end", supervisor.Name(process), heldBy(*mark), ErrLeftAlone)
		}
		if err := held.Release(p.Config.RunDir, mark.Program); err != nil {
			return err
		}
	}
}

// locked does something with the processes that names stand for while nobody
// else stops or starts one of them.
func (p Programs) locked(ctx context.Context, names []string, do func([]supervisord.ProcessInfo) error) error {
	processes, err := p.find(ctx, names)
	if err != nil {
		return err
	}
	var full []string
	for _, process := range processes {
		full = append(full, supervisor.Name(process))
	}
	if err := os.MkdirAll(programDir(p.Config), 0o755); err != nil {
		return err
	}
	slices.Sort(full) // all in the same order, so that no two wait for each other
	for _, name := range full {
		lock, err := fsutil.WaitLock(ctx, filepath.Join(programDir(p.Config), url.PathEscape(name)+".lock"), func() {
			p.Log.Info().Msgf("%s is being stopped or started by another process: waiting for it", name)
		})
		if err != nil {
			return err
		}
		defer lock.Unlock()
	}
	// What was found may have changed while we waited.
	if processes, err = p.find(ctx, full); err != nil {
		return err
	}
	return do(processes)
}

// find returns the processes that names stand for, each once.
func (p Programs) find(ctx context.Context, names []string) ([]supervisord.ProcessInfo, error) {
	all, err := p.Client.Processes(ctx)
	if err != nil {
		return nil, err
	}
	return supervisor.SelectAll(all, names)
}
