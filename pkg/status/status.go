// Package status gathers what is known of a running container: its programs, probes,
// jobs and backups. The command line prints it, and others can serve it.
//
// Everything but the list of programs comes from files. So a report without
// supervisord lacks the programs, and has all the rest.
package status

import (
	"context"
	"slices"
	"time"

	"github.com/abrander/go-supervisord"

	"github.com/ZPascal/container-manager/pkg/backup"
	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/cron"
	"github.com/ZPascal/container-manager/pkg/health"
	"github.com/ZPascal/container-manager/pkg/render"
	"github.com/ZPascal/container-manager/pkg/setup"
	"github.com/ZPascal/container-manager/pkg/startorder"
	"github.com/ZPascal/container-manager/pkg/supervisor"
)

// Report is what is known. Its JSON is what `status --json` prints.
type Report struct {
	Programs   []Program `json:"programs"`
	Probes     []Probe   `json:"probes"`
	Jobs       []Job     `json:"jobs"`
	LastBackup string    `json:"last_backup,omitempty"` // the newest archive's name
	// Backup is how the last backups went, whether or not there is an archive.
	Backup backup.Last `json:"backup"`
	Kept   []string    `json:"kept,omitempty"`   // what restores have moved away
	Errors []string    `json:"errors,omitempty"` // why something is missing
}

// Processes asks supervisord for its processes. It is a value of its own, so that whoever
// asks often can hand on an answer that it has already.
type Processes func(context.Context) ([]supervisord.ProcessInfo, error)

// Ask is Processes for somebody who asks once.
func Ask(cfg config.Config) Processes {
	return func(ctx context.Context) ([]supervisord.ProcessInfo, error) {
		client, err := supervisor.FromConfig(render.SupervisorConf(cfg), cfg.Lookup)
		if err != nil {
			return nil, err
		}
		return client.Processes(ctx)
	}
}

// Gather gathers all that is known. The error says that supervisord does not answer; it
// is among the report's errors too.
func Gather(ctx context.Context, cfg config.Config, ask Processes, now time.Time) (Report, error) {
	r := Report{Programs: []Program{}, Probes: []Probe{}, Jobs: []Job{}}
	waiting := startorder.ReadRecord(cfg.RunDir) // before the question: see Record.Of
	processes, asked := ask(ctx)
	for _, p := range processes {
		r.Programs = append(r.Programs, programOf(cfg, p, waiting, now))
	}
	r.note(asked)
	r.addProbes(cfg)
	r.addJobs(cfg, isRunning(processes, "crond"), now)
	r.addBackup(cfg)
	return r, asked
}

func (r *Report) note(err error) {
	if err != nil {
		r.Errors = append(r.Errors, err.Error())
	}
}

func isRunning(processes []supervisord.ProcessInfo, name string) bool {
	return slices.ContainsFunc(supervisor.Select(processes, name), func(p supervisord.ProcessInfo) bool {
		return p.State == supervisord.StateRunning
	})
}

// Probe is a probe and its last result.
type Probe struct {
	Check health.Kind `json:"check"`
	Probe string      `json:"probe"`
	Ran   bool        `json:"ran"`
	// Healthy is null for a probe that has not run yet: nobody knows.
	Healthy *bool          `json:"healthy"`
	Result  *health.Result `json:"result,omitempty"`
}

func (r *Report) addProbes(cfg config.Config) {
	for _, kind := range health.Kinds() {
		if !kind.Enabled(cfg) {
			continue
		}
		results, none, err := health.Results(cfg, kind)
		r.note(err)
		for _, result := range results {
			r.Probes = append(r.Probes, Probe{Check: kind, Probe: result.Probe, Ran: true, Healthy: &result.Healthy, Result: &result})
		}
		for _, probe := range none {
			r.Probes = append(r.Probes, Probe{Check: kind, Probe: probe})
		}
	}
}

// Job is an entry of the crontab.
type Job struct {
	Name     string     `json:"name"` // of the crontab's comment, or its file and line
	Schedule string     `json:"schedule"`
	Command  string     `json:"command"`
	Next     *time.Time `json:"next,omitempty"` // absent for @reboot, and while crond does not run
	// The fields below are about the runs that cron knows of.
	Runs        int        `json:"runs"`
	Failures    int        `json:"failures"`
	Skipped     int        `json:"skipped"` // because it still ran
	Last        *cron.Run  `json:"last,omitempty"`
	LastSuccess *time.Time `json:"last_success,omitempty"`
	// Counts are the runs by result.
	Counts map[cron.Result]int `json:"-"`
}

func jobOf(cfg config.Config, e cron.Entry) Job {
	h := cron.ReadHistory(cron.HistoryDir(setup.Crontab(cfg)), e)
	j := Job{
		Name: e.Label, Schedule: e.Spec, Command: e.Command,
		Skipped: h.Skipped, Last: h.Last, LastSuccess: h.LastSuccess, Counts: h.Counts,
	}
	j.Runs, j.Failures = h.Runs()
	return j
}

// Crontab returns the jobs that cron runs, with their labels. When lines of the crontab
// are bad the error is cron.Problems, and the table holds the others.
func Crontab(cfg config.Config) (cron.Table, error) {
	table, _, err := cron.ReadFiles(setup.Crontabs(cfg, []string{setup.Crontab(cfg)}))
	table.SetLabels(func(command string) string { return setup.JobName(cfg, command) })
	return table, err
}

// addJobs adds the crontab's jobs, without bad lines, which cron's log names.
func (r *Report) addJobs(cfg config.Config, cronRuns bool, now time.Time) {
	zone, err := cfg.Zone()
	r.note(err)
	table, err := Crontab(cfg)
	r.note(err)
	for _, e := range table {
		job := jobOf(cfg, e)
		if next := e.Schedule.Next(now.In(zone)); cronRuns && !next.IsZero() {
			job.Next = &next
		}
		r.Jobs = append(r.Jobs, job)
	}
	if len(table) > 0 && !cronRuns {
		r.Errors = append(r.Errors, "crond does not run, and so none of the jobs")
	}
}

func (r *Report) addBackup(cfg config.Config) {
	archives, err := backup.Archives(cfg.BackupDir) // the newest first
	r.note(err)
	if len(archives) > 0 {
		r.LastBackup = archives[0].Name
	}
	r.Backup = backup.ReadLast(cfg)
	r.Kept = backup.Kept(cfg)
	r.note(backup.Unfinished(cfg))
}
