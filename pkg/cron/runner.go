package cron

import (
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/ZPascal/container-manager/pkg/log"
)

// Runner runs the jobs of crontabs.
type Runner struct {
	Files   []string       // crontabs
	Zone    *time.Location // for crontabs that do not set TZ; nil means this process's zone
	Environ []string       // NAME=value, of the jobs
	Timeout time.Duration  // of a job; 0 means no limit
	Grace   time.Duration  // for running jobs when Run is to end
	Strict  bool           // refuse a crontab with a bad line instead of leaving the line out
	Log     log.Logger
	Notice  log.Logger // the container's log, for what somebody should mend; the zero value drops it
	LogFile string     // where Log leads, for notices
	// Record is the directory that says which jobs are running; its parent is there
	// in a container that has started. Empty means that no record is kept.
	Record string
	// History is the directory that says how jobs have run; the same holds for it.
	History string
	// Builtin returns the name of the job that runs a command of the container manager's
	// own, and "" for other commands. It may be nil.
	Builtin func(command string) string
	// Ping tells the dead man's switch at an address that a job begins, and returns what
	// tells it how the job has ended. Failed is told of each run that has gone wrong. Both
	// may be nil, and may not wait.
	Ping   func(e Entry, address string) (ended func(status int))
	Failed func(e Entry, run Run)

	// command runs an entry's command; runCommand when nil.
	command func(ctx context.Context, e Entry, output func(line string)) error
	// clock is systemClock when nil.
	clock func() reading

	record    *record
	histories *histories
	noticed   map[string]bool // lines about the crontab that are in Notice
}

// watchInterval is how often files and clock are looked at. inotify would be faster, but
// misses a link that is pointed elsewhere, a volume that another machine writes to, and
// the clock. The cost of a few calls of stat every ten seconds cannot be measured.
// SIGHUP makes cron look at once.
const watchInterval = 10 * time.Second

// Run runs jobs until ctx is done. It then starts no more, gives those that are running
// Grace to end, and ends their process groups. A value in reload makes it read the
// crontabs again. The error is about the crontabs at the start. When later ones cannot
// be used, the log says so, and the jobs stay as they are.
func (r *Runner) Run(ctx context.Context, reload <-chan os.Signal) error {
	watch := newWatch(r.Files, r.clock)
	table, err := r.read(0)
	if err != nil {
		return err
	}
	if r.record, err = openRecord(r.Record); err != nil {
		r.Log.Warn().Msg(err.Error())
	}
	r.histories = openHistories(r.History, r.Log)
	r.histories.use(table, r.Files)
	jobs, endJobs := context.WithCancelCause(context.WithoutCancel(ctx))
	defer endJobs(nil)
	s := &scheduler{Runner: r, ctx: jobs}
	s.replace(table)
	s.reboot()
	r.Log.Info().Msgf("%s from %s", count(len(table)), strings.Join(r.Files, " and "))

	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			s.end(endJobs)
			return nil
		case <-reload:
			watch.changed(r.Log)
			s.reload()
		case <-ticker.C:
			if watch.changed(r.Log) {
				s.reload()
			}
			s.adjust(watch.jump())
		}
	}
}

// read reads the crontabs, at the start and for each reload. It logs bad lines and
// leaves them out. That is an error when fewer than least good ones remain, or when the
// runner is strict.
func (r *Runner) read(least int) (Table, error) {
	table, repeated, err := ReadFiles(r.Files)
	var problems Problems
	if err != nil && (!errors.As(err, &problems) || r.Strict || len(table) < least) {
		return nil, err
	}
	var lines []string
	for _, line := range problems.Lines() {
		lines = append(lines, line+": left out")
	}
	table.SetLabels(r.Builtin)
	lines = append(lines, table.Suspicions()...)
	for _, line := range lines {
		r.Log.Error().Msg(line)
	}
	r.noticeLines(lines)
	if len(repeated) > 0 {
		first := repeated[0]
		r.Log.Info().Msgf("%s left out, from %s:%d on: an entry above is the same", count(len(repeated)), first.File, first.Line)
	}
	return table, nil
}
