package status

import (
	"time"

	"github.com/abrander/go-supervisord"

	"github.com/ZPascal/container-manager/pkg/backoff"
	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/crashes"
	"github.com/ZPascal/container-manager/pkg/health"
	"github.com/ZPascal/container-manager/pkg/startorder"
	"github.com/ZPascal/container-manager/pkg/supervisor"
)

// Program is a process of supervisord.
type Program struct {
	Name   string  `json:"name"`
	State  string  `json:"state"`
	PID    int     `json:"pid,omitempty"`
	Uptime float64 `json:"uptime_seconds,omitempty"`
	Error  string  `json:"error,omitempty"` // why it does not run
	Held   string  `json:"held,omitempty"`  // by whom
	Waits  string  `json:"waits,omitempty"` // for which programs
	// Next is when a program that has ended is started again.
	Next *time.Time `json:"next_start,omitempty"`
	// Stopped says why a program that supervisord has not started is not to run.
	Stopped  string `json:"stopped,omitempty"`
	Restarts int    `json:"restarts"` // by the container manager
	// Reasons are the restarts by who has asked for them.
	Reasons map[string]int `json:"restart_reasons,omitempty"`
	// The fields below are about the last restart.
	LastRestart   *time.Time `json:"last_restart,omitempty"`
	Why           string     `json:"last_restart_why,omitempty"`
	RestartFailed string     `json:"last_restart_error,omitempty"`

	Starts  int  `json:"starts"` // that were tried
	Ends    int  `json:"ends"`   // by itself
	LastEnd *End `json:"last_end,omitempty"`
}

// End is how a program ended by itself.
type End struct {
	At       time.Time `json:"at"`
	How      string    `json:"how"` // as in "exited 1"
	Expected bool      `json:"expected"`
	// Crashes is how often it has ended unexpectedly within Seconds.
	Crashes int     `json:"crashes"`
	Seconds float64 `json:"crashes_seconds"`
	// Text says all of it for people.
	Text string `json:"-"`
}

func programOf(cfg config.Config, p supervisord.ProcessInfo, waiting startorder.Record, now time.Time) Program {
	name := supervisor.Name(p)
	who, _ := health.Stopped(cfg, p)
	s := Program{Name: name, State: p.StateName, PID: p.Pid, Held: who}
	if w, ok := waiting.Of(p); ok {
		s.Waits = w.String()
	}
	if pause, ok := backoff.Of(cfg.RunDir, p); ok && who == "" {
		s.Next = &pause.Next
	}
	if p.Pid != 0 {
		s.Uptime = max(0, float64(p.Now-p.Start))
	} else {
		s.Error = p.SpawnErr
	}
	if r := health.ReadRecord(cfg, name); r.Restarts > 0 {
		s.Restarts, s.LastRestart, s.Why, s.RestartFailed = r.Restarts, &r.Last, r.Why, r.Failed
		s.Reasons = r.Reasons
	}
	r := crashes.Load(cfg.RunDir, name)
	s.Ends = r.Ends
	if s.Starts = r.Starts; p.Start > 0 {
		s.Starts = max(s.Starts, 1)
	}
	if r.Last != nil {
		s.LastEnd = endOf(r, cfg.HealthCrashes, now)
	}
	if p.State == supervisord.StateStopped && p.Start == 0 && s.Waits == "" && s.Held == "" {
		s.Stopped = whyStopped(cfg, name)
	}
	return s
}

// whyStopped says why one of the container manager's own programs was never started; ""
// for others, and when there is no reason.
func whyStopped(cfg config.Config, name string) string {
	switch {
	case name == "filebeat" && !cfg.ShipsLogs():
		return "there is nowhere to ship logs to: LOGGING_REDIS_HOST is empty, and the image has no filebeat-output.yml"
	case name == "crond" && !bool(cfg.CronEnabled):
		return "IMAGE_CRON_ENABLED is off"
	}
	return ""
}

// uncounted is the time within which ends are counted when IMAGE_HEALTH_CRASHES is 0.
const uncounted = 5 * time.Minute

func endOf(r crashes.Record, limit config.Rate, now time.Time) *End {
	within := limit.Within
	if within == 0 {
		within = uncounted
	}
	return &End{
		At: r.Last.At, How: r.Last.String(), Expected: r.Last.Expected,
		Crashes: config.CountWithin(now, within, r.Crashes), Seconds: within.Seconds(), Text: r.Text(now, within),
	}
}
