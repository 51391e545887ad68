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

	"github.com/ZPascal/container-manager/pkg/backoff"
	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/stopmark"
	"github.com/ZPascal/container-manager/pkg/supervisor"
)

// ErrLeftAlone says that a program was, on purpose, not touched.
var ErrLeftAlone = errors.New("left alone")

// Programs stops, starts and restarts programs. A lock on each program keeps two
// processes from doing so at the same time.
type Programs struct {
	Config config.Config
	Client supervisor.Client
	Log    log.Logger
	// Now is time.Now; tests set another clock.
	Now func() time.Time
	// Told gets a line for the container's own log about each restart, and each reason why a
	// program may wait for others for ever. It may be nil.
	Told func(line string)
	// Restarted gets the names of programs that a check has restarted, or could not restart,
	// and the same line. It may be nil.
	Restarted func(names []string, line string)
}

// Stop stops programs that the caller has marked; see supervisor.Client.Stop.
func (p Programs) Stop(ctx context.Context, name string) error {
	return p.locked(ctx, []string{name}, func(processes []supervisord.ProcessInfo) error { return p.Client.Stop(ctx, processes...) })
}

// Start starts programs whose mark the caller releases; see supervisor.Client.Start.
func (p Programs) Start(ctx context.Context, name string) error {
	return p.locked(ctx, []string{name}, func(processes []supervisord.ProcessInfo) error { return p.Client.Start(ctx, processes...) })
}

// StartFirst starts a process that does not run, by its full name, and does not wait until
// it is up. The error is fsutil.ErrLocked while another process stops or
// starts it, and ErrLeftAlone while it is held stopped.
func (p Programs) StartFirst(ctx context.Context, name string) error {
	lock, err := fsutil.TryLock(p.lockPath(name))
	if err != nil {
		return err
	}
	defer lock.Unlock()
	if mark := holder(p.Config, name); mark != nil {
		return fmt.Errorf("%s %s: %w", name, mark, ErrLeftAlone)
	}
	return p.Client.Launch(ctx, name)
}

func (p Programs) lockPath(name string) string {
	return filepath.Join(programDir(p.Config), url.PathEscape(name)+".lock")
}

// Running returns the full names of the running processes among those that a name stands
// for. It waits for the end of a restart, so a process that is being restarted counts as
// running. So does one that has ended and is started again after a pause.
func (p Programs) Running(ctx context.Context, name string) (running []string, err error) {
	err = p.locked(ctx, []string{name}, func(processes []supervisord.ProcessInfo) error {
		for _, process := range processes {
			_, paused := backoff.Of(p.Config.RunDir, process)
			switch process.State {
			case supervisord.StateStarting, supervisord.StateRunning, supervisord.StateBackoff:
				paused = true
			}
			if paused {
				running = append(running, supervisor.Name(process))
			}
		}
		return nil
	})
	return running, err
}

// StopForGood stops programs for a person: until StartAgain, no check starts
// them.
func (p Programs) StopForGood(ctx context.Context, name string) error {
	return p.locked(ctx, []string{name}, func(processes []supervisord.ProcessInfo) error {
		for _, process := range processes {
			full := supervisor.Name(process)
			err := p.inOtherHands(full)
			if err == nil {
				err = stopmark.Hold(p.Config.RunDir, full, stopmark.Person)
			}
			if err == nil { // a dead process's mark would have the listener start it again
				err = stopmark.Release(p.Config.RunDir, full)
			}
			if err != nil {
				return err
			}
		}
		return p.Client.Stop(ctx, processes...)
	})
}

// StartAgain starts programs for a person, also those that StopForGood has
// stopped.
func (p Programs) StartAgain(ctx context.Context, name string) error {
	return p.locked(ctx, []string{name}, func(processes []supervisord.ProcessInfo) error {
		for _, process := range processes {
			if err := p.inOtherHands(supervisor.Name(process)); err != nil {
				return err
			}
		}
		return p.marked(ctx, processes, p.Client.Start)
	})
}

// inOtherHands returns an error when a backup or restore has stopped a process. Nobody
// else may start the process before that has ended, because it works on the process's
// data.
func (p Programs) inOtherHands(name string) error {
	if mark := holder(p.Config, name); mark != nil && mark.For != stopmark.Person {
		return fmt.Errorf("%s %s: %w; wait for it to end", name, mark, ErrLeftAlone)
	}
	return nil
}

// marked calls do, which starts or restarts processes, and keeps them marked meanwhile:
// when this process dies, the event listener finds the marks and starts them. It removes
// a person's marks on them.
func (p Programs) marked(ctx context.Context, processes []supervisord.ProcessInfo, do func(context.Context, ...supervisord.ProcessInfo) error) error {
	names := namesOf(processes)
	for _, name := range names {
		err := stopmark.Hold(p.Config.RunDir, name, stopmark.Restart)
		if err = errors.Join(err, stopmark.ReleasePerson(p.Config.RunDir, name)); err != nil {
			p.Log.Warn().Msg(err.Error())
		}
	}
	err := do(ctx, processes...)
	for _, name := range names {
		if err == nil || p.wasStarted(ctx, name) {
			p.release(name)
		}
	}
	return err
}

// wasStarted reports whether supervisord has at least tried to start a process.
// If not, our mark stays, and the listener's worker starts the process.
func (p Programs) wasStarted(ctx context.Context, name string) bool {
	info, err := p.Client.Process(context.WithoutCancel(ctx), name)
	var fault *supervisor.Fault
	if err != nil {
		return errors.As(err, &fault) // there is no such process any more
	}
	return info.State != supervisord.StateStopped && info.State != supervisord.StateStopping
}

func (p Programs) release(name string) {
	if err := stopmark.Release(p.Config.RunDir, name); err != nil {
		p.Log.Warn().Msgf("cannot remove the mark that holds %s stopped: %v", name, err)
	}
}

// locked does something with the processes that names stand for while nobody
// else stops or starts one of them.
func (p Programs) locked(ctx context.Context, names []string, do func([]supervisord.ProcessInfo) error) error {
	processes, err := p.find(ctx, names)
	if err != nil {
		return err
	}
	// All in the same order, so that no two wait for each other.
	slices.SortFunc(processes, func(a, b supervisord.ProcessInfo) int { return strings.Compare(supervisor.Name(a), supervisor.Name(b)) })
	names = namesOf(processes)
	if err := os.MkdirAll(programDir(p.Config), 0o755); err != nil {
		return err
	}
	waited := false
	for _, name := range names {
		lock, err := fsutil.WaitLock(ctx, p.lockPath(name), func() {
			waited = true
			p.Log.Info().Msgf("%s is being stopped or started by another process: waiting for it", name)
		})
		if err != nil {
			return err
		}
		defer lock.Unlock()
	}
	if waited { // their states may have changed
		if processes, err = p.find(ctx, names); err != nil {
			return err
		}
	}
	return do(processes)
}

// namesOf returns the full names of processes.
func namesOf(processes []supervisord.ProcessInfo) []string {
	names := make([]string, len(processes))
	for i, process := range processes {
		names[i] = supervisor.Name(process)
	}
	return names
}

// find returns the processes that names stand for, each once.
func (p Programs) find(ctx context.Context, names []string) ([]supervisord.ProcessInfo, error) {
	all, err := p.Client.Processes(ctx)
	if err != nil {
		return nil, err
	}
	return supervisor.SelectAll(all, names)
}
