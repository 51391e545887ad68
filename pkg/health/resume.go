package health

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"

	"github.com/abrander/go-supervisord"

	"github.com/ZPascal/container-manager/pkg/stopmark"
	"github.com/ZPascal/container-manager/pkg/supervisor"
)

// Resume starts the programs that a dead backup, restore or restart has left stopped.
// takeBack takes back what a dead restore has left half done; its programs are started
// after that. When a start fails, this process's mark stays, so that another process
// tries again.
func (p Programs) Resume(ctx context.Context, takeBack func(context.Context) error) error {
	var resuming sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	start := func(m stopmark.Mark) {
		resuming.Go(func() {
			err := p.resume(ctx, m)
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
		})
	}
	var restored []stopmark.Mark
	for _, m := range stopmark.Orphans(p.Config.RunDir) {
		switch {
		case !m.TakeOver(): // another process was first
		case m.For == stopmark.Restore:
			restored = append(restored, m)
		default:
			start(m)
		}
	}
	var err error
	if len(restored) > 0 {
		if err = takeBack(ctx); err == nil {
			for _, m := range restored {
				start(m)
			}
		}
	}
	resuming.Wait()
	return errors.Join(append(errs, err)...)
}

func (p Programs) resume(ctx context.Context, m stopmark.Mark) error {
	err := p.locked(ctx, []string{m.Program}, func(processes []supervisord.ProcessInfo) error {
		isPersons := func(m2 stopmark.Mark) bool { return m2.Program == m.Program && m2.For == stopmark.Person }
		if slices.ContainsFunc(stopmark.All(p.Config.RunDir), isPersons) {
			p.release(m.Program)
			return nil
		}
		p.Log.Warn().Msgf("starting %s, which %s", m.Program, m)
		return p.marked(ctx, processes, p.Client.Start)
	})
	if errors.Is(err, supervisor.ErrUnknown) {
		p.release(m.Program)
		return nil
	}
	return err
}

// ResumeCommand is the hidden subcommand that calls Resume.
const ResumeCommand = "resume"

// RunResume calls Resume in a process of its own session, which goes on when this
// one ends, and waits for it.
func RunResume() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, ResumeCommand)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd.Run()
}
