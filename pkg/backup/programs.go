package backup

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ZPascal/container-manager/pkg/stopmark"
)

// Programs is what a backup needs of supervisord. Stop and Start return when the
// program is stopped, or is running.
type Programs interface {
	// Running returns the full names of those programs that a name stands for
	// and that run.
	Running(ctx context.Context, name string) ([]string, error)
	Stop(ctx context.Context, name string) error
	Start(ctx context.Context, name string) error
	// PIDs returns the names of the programs that run, by process id.
	PIDs(ctx context.Context) (map[int]string, error)
}

// startTimeout is how long a program may take to be running again, also when
// the backup itself is being ended.
const startTimeout = 2 * time.Minute

// toStop returns the names of the programs that must not run meanwhile.
func (r Runner) toStop() []string {
	return unique(slices.Concat(r.Config.BackupStop, r.Stop))
}

// hold stops programs, and keeps health checks from starting them. The caller must call
// release in any case. It starts what hold has stopped, and returns how many programs
// did not start. A program that did not run before stays stopped.
func (r Runner) hold(ctx context.Context, why stopmark.Purpose, names []string) (release func() int, err error) {
	var stopped []string
	release = func() int {
		failed := 0
		for _, name := range slices.Backward(stopped) {
			failed += r.startAgain(ctx, name)
		}
		stopped = nil
		return failed
	}
	if r.Programs == nil {
		return release, nil
	}
	for _, name := range names {
		running, err := r.Programs.Running(ctx, name)
		if err != nil {
			release()
			return nil, fmt.Errorf("cannot tell whether %s runs (IMAGE_BACKUP_STOP_PROGRAMS): %w", name, err)
		}
		if len(running) == 0 {
			r.Log.Info().Msgf("%s does not run: it stays as it is", name)
		}
		for _, program := range running {
			if err := stopmark.Hold(r.Config.RunDir, program, why); err != nil {
				release()
				return nil, err
			}
			stopped = append(stopped, program)
			r.Log.Info().Msgf("stopping %s", program)
			if err := r.Programs.Stop(ctx, program); err != nil {
				release()
				return nil, fmt.Errorf("cannot stop %s (IMAGE_BACKUP_STOP_PROGRAMS): %w", program, err)
			}
		}
	}
	return release, nil
}

// startAgain starts a program that was held, even when ctx is done. It returns 1 when
// that fails. It removes the mark even then, so that the health checks may try.
func (r Runner) startAgain(ctx context.Context, name string) int {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), startTimeout)
	defer cancel()
	r.Log.Info().Msgf("starting %s", name)
	err := r.Programs.Start(ctx, name)
	if err := stopmark.Release(r.Config.RunDir, name); err != nil {
		r.Log.Warn().Msgf("cannot remove the mark that holds %s: %v", name, err)
	}
	if err != nil {
		r.Log.Error().Msgf("cannot start %s, which was stopped for this: %v", name, err)
		return 1
	}
	return 0
}

// startOrphans starts what a backup or restore that was killed has left stopped.
func (r Runner) startOrphans(ctx context.Context) {
	orphans := stopmark.Orphans(r.Config.RunDir)
	if r.Programs == nil || len(orphans) == 0 {
		return
	}
	var names []string
	for _, mark := range orphans {
		if mark.TakeOver() { // else another process starts it
			names = append(names, mark.Program)
		}
	}
	if len(names) == 0 {
		return
	}
	r.Log.Warn().Msgf("a run that was killed has left %s stopped", strings.Join(names, ", "))
	for _, name := range names {
		r.startAgain(ctx, name)
	}
}

// unique drops repetitions.
func unique(names []string) []string {
	var found []string
	for _, name := range names {
		if !slices.Contains(found, name) {
			found = append(found, name)
		}
	}
	return found
}
