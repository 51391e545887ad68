package cli

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"time"

	"github.com/abrander/go-supervisord"
	"github.com/spf13/cobra"

	"github.com/ZPascal/container-manager/pkg/backup"
	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/crashes"
	"github.com/ZPascal/container-manager/pkg/cron"
	"github.com/ZPascal/container-manager/pkg/health"
	"github.com/ZPascal/container-manager/pkg/setup"
	"github.com/ZPascal/container-manager/pkg/startorder"
	"github.com/ZPascal/container-manager/pkg/supervisor"
)

func statusCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "status [--json]",
		Short: "Show programs, probes, the next jobs and the last backup",
		Long: `
Exit codes:
  0  shown, whatever it is
  1  supervisord does not answer: the rest is shown
  2  the command line or the environment is invalid
`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error { return runStatus(c.Name(), asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// status is what --json prints.
type status struct {
	Programs   []programStatus `json:"programs"`
	Probes     []probeStatus   `json:"probes"`
	Jobs       []jobStatus     `json:"jobs"`
	LastBackup string          `json:"last_backup,omitempty"` // the archive's name
	Kept       []string        `json:"kept,omitempty"`        // what restores have moved away
	Errors     []string        `json:"errors,omitempty"`      // why something is missing
}

type programStatus struct {
	Name     string  `json:"name"`
	State    string  `json:"state"`
	PID      int     `json:"pid,omitempty"`
	Uptime   float64 `json:"uptime_seconds,omitempty"`
	Error    string  `json:"error,omitempty"` // why it does not run
	Held     string  `json:"held,omitempty"`  // by whom
	Waits    string  `json:"waits,omitempty"` // for which programs
	Restarts int     `json:"restarts"`        // by the container manager
	// The fields below are about the last restart.
	LastRestart   *time.Time `json:"last_restart,omitempty"`
	Why           string     `json:"last_restart_why,omitempty"`
	RestartFailed string     `json:"last_restart_error,omitempty"`

	Starts  int        `json:"starts,omitempty"` // of a program that has ended by itself
	LastEnd *endStatus `json:"last_end,omitempty"`
}

// endStatus is how a program ended by itself.
type endStatus struct {
	At       time.Time `json:"at"`
	How      string    `json:"how"` // as in "exited 1"
	Expected bool      `json:"expected"`
	// Crashes is how often it has ended unexpectedly within Seconds.
	Crashes int     `json:"crashes"`
	Seconds float64 `json:"crashes_seconds"`
	text    string
}

type probeStatus struct {
	Check   health.Kind    `json:"check"`
	Probe   string         `json:"probe"`
	Ran     bool           `json:"ran"`
	Healthy bool           `json:"healthy"`
	Result  *health.Result `json:"result,omitempty"`
}

type jobStatus struct {
	Schedule string     `json:"schedule"`
	Command  string     `json:"command"`
	Next     *time.Time `json:"next,omitempty"` // absent for @reboot, and while crond does not run
}

func runStatus(command string, asJSON bool) error {
	cfg, err := config.LoadSaved()
	if err != nil {
		return err
	}
	ctx, stop := signalContext(context.Background())
	defer stop()
	s := status{Programs: []programStatus{}, Probes: []probeStatus{}, Jobs: []jobStatus{}}
	waiting := startorder.ReadRecord(cfg.RunDir)
	processes, asked := allProcesses(ctx, command, cfg)
	for _, p := range processes {
		s.Programs = append(s.Programs, statusOf(cfg, p, waiting))
	}
	s.note(asked)
	s.addProbes(cfg)
	s.addJobs(cfg, isRunning(processes, "crond"))
	s.addBackup(cfg)
	if asJSON {
		out := json.NewEncoder(os.Stdout)
		out.SetIndent("", "  ")
		out.SetEscapeHTML(false)
		err = out.Encode(s)
	} else {
		err = s.print(os.Stdout)
	}
	if err == nil && asked != nil {
		return &exitError{code: exitFailed} // it is among the errors shown
	}
	return err
}

func (s *status) note(err error) {
	if err != nil {
		s.Errors = append(s.Errors, err.Error())
	}
}

func allProcesses(ctx context.Context, command string, cfg config.Config) ([]supervisord.ProcessInfo, error) {
	programs, err := programsFor(command, cfg)
	if err != nil {
		return nil, err
	}
	return programs.Client.Processes(ctx)
}

func isRunning(processes []supervisord.ProcessInfo, name string) bool {
	return slices.ContainsFunc(supervisor.Select(processes, name), func(p supervisord.ProcessInfo) bool {
		return p.State == supervisord.StateRunning
	})
}

func statusOf(cfg config.Config, p supervisord.ProcessInfo, waiting startorder.Record) programStatus {
	name := supervisor.Name(p)
	who, _ := health.Stopped(cfg, p)
	s := programStatus{Name: name, State: p.StateName, PID: p.Pid, Held: who}
	if w, ok := waiting.Of(p); ok {
		s.Waits = w.String()
	}
	if p.Pid != 0 {
		s.Uptime = max(0, float64(p.Now-p.Start))
	} else {
		s.Error = p.SpawnErr
	}
	if r := health.ReadRecord(cfg, name); r.Restarts > 0 {
		s.Restarts, s.LastRestart, s.Why, s.RestartFailed = r.Restarts, &r.Last, r.Why, r.Failed
	}
	if r := crashes.Load(cfg.RunDir, name); r.Last != nil {
		s.Starts, s.LastEnd = r.Starts, endOf(r, cfg.HealthCrashes)
	}
	return s
}

func endOf(r crashes.Record, limit config.Rate) *endStatus {
	now, within := time.Now(), limit.Within
	if within == 0 { // nothing counts them
		within = 5 * time.Minute
	}
	return &endStatus{
		At: r.Last.At, How: r.Last.String(), Expected: r.Last.Expected,
		Crashes: config.CountWithin(now, within, r.Crashes), Seconds: within.Seconds(), text: r.Text(now, within),
	}
}

func (s *status) addProbes(cfg config.Config) {
	for _, kind := range health.Kinds() {
		if !kind.Enabled(cfg) {
			continue
		}
		results, none, err := health.Results(cfg, kind)
		s.note(err)
		for _, r := range results {
			s.Probes = append(s.Probes, probeStatus{Check: kind, Probe: r.Probe, Ran: true, Healthy: r.Healthy, Result: &r})
		}
		for _, probe := range none {
			s.Probes = append(s.Probes, probeStatus{Check: kind, Probe: probe})
		}
	}
}

// addJobs adds the crontab's jobs, without bad lines, which cron's log names.
func (s *status) addJobs(cfg config.Config, cronRuns bool) {
	zone, err := timeZone(cfg)
	s.note(err)
	table, _, err := cron.ReadFiles(crontabsOf(cfg, []string{setup.Crontab(cfg)}))
	s.note(err)
	now := time.Now()
	for _, e := range table {
		job := jobStatus{Schedule: e.Spec, Command: e.Command}
		if next := e.Schedule.Next(now.In(zone)); cronRuns && !next.IsZero() {
			job.Next = &next
		}
		s.Jobs = append(s.Jobs, job)
	}
	if len(table) > 0 && !cronRuns {
		s.Errors = append(s.Errors, "crond does not run, and so none of the jobs")
	}
}

func (s *status) addBackup(cfg config.Config) {
	archives, err := backup.Archives(cfg.BackupDir) // the newest first
	s.note(err)
	if len(archives) > 0 {
		s.LastBackup = archives[0].Name
	}
	s.Kept = backup.Kept(cfg)
	s.note(backup.Unfinished(cfg))
}
