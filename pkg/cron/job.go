package cron

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	robfig "github.com/robfig/cron/v3"

	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/script"
)

// errEnding is the cause with which jobs that outlast the runner are ended.
var errEnding = errors.New("cron ends")

// stopGrace is how long an ended job has between SIGTERM and SIGKILL. With
// Runner.Grace it stays below the 10 seconds that supervisord waits by default.
const stopGrace = 3 * time.Second

// job is an entry whose command runs when it is due. A reload that finds the same entry
// again keeps the job. So the job keeps its rhythm, and is not started while it still
// runs.
type job struct {
	entry   atomic.Pointer[Entry] // a reload may change its line and environment
	wrapped robfig.Job            // Run, skipped while it is running already

	scheduler *scheduler

	// Only the scheduler's goroutine uses these. A reload uses them too, but only after
	// one scheduler has stopped and before it starts the next.
	due  time.Time
	keep bool

	noticed bool // that it fails; Run alone uses it
}

func newJob(e *Entry, s *scheduler) *job {
	j := &job{scheduler: s}
	j.entry.Store(e)
	j.wrapped = robfig.NewChain(robfig.SkipIfStillRunning(jobLog{j}), robfig.Recover(jobLog{j})).Then(j)
	return j
}

// Next implements robfig.Schedule. When keep is set, it returns once more what it has
// returned last. When that time is past, the scheduler runs the job at once.
func (j *job) Next(now time.Time) time.Time {
	if !j.keep {
		j.due = j.entry.Load().Schedule.Next(now)
	}
	j.keep = false
	return j.due
}

// Run implements robfig.Job.
func (j *job) Run() {
	e := *j.entry.Load()
	l := log.Named(j.scheduler.Log, e.Name())
	if id, ok := j.scheduler.record.leftRunning(e); ok {
		j.scheduler.histories.skipped(e)
		l.Warn().Msgf("skipped: it is still running, as process %d, which a cron that was killed has started", id.PID)
		return
	}
	l.Info().Msgf("start: %s", cut(e.Command))
	start := time.Now()
	ended, tell := j.scheduler.histories.began(e, start), j.scheduler.begins(e)
	err := j.scheduler.run(e, func(line string) { l.Info().Msg(line) })
	ended(err)
	tell(err)
	took := time.Since(start).Round(time.Millisecond)
	j.notice(e, err)
	if err == nil {
		l.Info().Msgf("end: exit status 0 after %s", took)
		return
	}
	l.Error().Msgf("end: %s after %s", howEnded(err), took)
}

func howEnded(err error) string {
	var failed *script.Error
	switch {
	case errors.Is(err, errEnding):
		return "stopped because cron ends,"
	case !errors.As(err, &failed) || failed.Err != nil:
		return err.Error() + ","
	case failed.Timeout > 0:
		return fmt.Sprintf("killed, because it ran for more than %s (IMAGE_CRON_JOB_TIMEOUT),", failed.Timeout)
	case failed.Signal != 0:
		return fmt.Sprintf("ended by signal %d (%s)", failed.Signal, failed.Signal)
	}
	return fmt.Sprintf("exit status %d", failed.Status)
}

// cut shortens a command for the log.
func cut(command string) string {
	const most = 200
	if len(command) > most {
		return strings.ToValidUTF8(command[:most], "") + "..."
	}
	return command
}

// runCommand runs an entry's command as a session of its own: a job that
// restarts cron must not end with it.
func (r *Runner) runCommand(ctx context.Context, e Entry, output func(string)) error {
	ended := func() {}
	defer func() { ended() }()
	return script.Command{
		Path: "/bin/sh", Args: []string{"-c", e.Command},
		Env:    append(r.Environ[:len(r.Environ):len(r.Environ)], e.Env...),
		Output: output, Timeout: r.Timeout, Grace: stopGrace, Session: true,
		Started: func(pid int) {
			var err error
			if ended, err = r.record.begin(e, pid); err != nil {
				r.Log.Warn().Msgf("%s: %v", e.Name(), err)
			}
		},
	}.Run(ctx)
}

// jobLog writes what robfig/cron's wrappers report to our log.
type jobLog struct{ *job }

// Info implements robfig.Logger. SkipIfStillRunning calls it only when it skips the job.
func (l jobLog) Info(string, ...any) {
	named := log.Named(l.scheduler.Log, l.entry.Load().Name())
	named.Warn().Msg("skipped: it is still running")
	l.scheduler.histories.skipped(*l.entry.Load())
}

// Error implements robfig.Logger: Recover calls it with a panic and its stack.
func (l jobLog) Error(err error, message string, keysAndValues ...any) {
	named := log.Named(l.scheduler.Log, l.entry.Load().Name())
	named.Error().Msgf("%s: %v %v", message, err, keysAndValues)
}
