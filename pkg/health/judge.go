package health

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/abrander/go-supervisord"

	"github.com/ZPascal/container-manager/pkg/backoff"
	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/crashes"
	"github.com/ZPascal/container-manager/pkg/schedule"
	"github.com/ZPascal/container-manager/pkg/scriptdir"
	"github.com/ZPascal/container-manager/pkg/startorder"
	"github.com/ZPascal/container-manager/pkg/supervisor"
)

// lateness is how much more time a check gets than its probes may take, because it waits
// for the programs that it restarts.
const lateness = time.Minute

// maxSkew is how far in the future a time may lie. One that lies further was written before
// the clock was set back. It would pass for new until the clock is there again.
const maxSkew = 5 * time.Minute

func (j *judge) isFuture(t time.Time) bool { return t.Sub(j.now) > maxSkew }

// Judge returns what is wrong, without running a probe: it judges by the state of the
// programs and the last results of the probes. Without problems the container is
// healthy. The error says that supervisord does not answer, or that the probes cannot be
// listed.
func Judge(ctx context.Context, c config.Config, client supervisor.Client, k Kind, now time.Time) (problems []string, err error) {
	waiting := startorder.ReadRecord(c.RunDir)
	all, err := client.Processes(ctx)
	if err != nil {
		return nil, err
	}
	verdicts, err := Examine(c, all, waiting, k, now)
	for _, v := range verdicts {
		for _, p := range v.Problems {
			problems = append(problems, p.Text)
		}
	}
	return problems, err
}

// Verdict is what is wrong with a program, or with what a probe is about: mostly nothing.
type Verdict struct {
	Name     string // of the program or the probe
	Problems []Problem
}

// Problem is what is wrong.
type Problem struct {
	Text string // for people who may see what programs print
	// Brief says it to everybody: it quotes no output, and nothing of a script.
	Brief string
}

// Examine judges like Judge, by what supervisord has said of its processes, and returns a
// verdict for each program and probe. waiting is older than that; see startorder.Record.
func Examine(c config.Config, all []supervisord.ProcessInfo, waiting startorder.Record, k Kind, now time.Time) ([]Verdict, error) {
	j := judge{Config: c, kind: k, now: now, all: all, waiting: waiting}
	j.programs()
	if err := j.probes(); err != nil {
		return nil, err
	}
	return j.verdicts, nil
}

type judge struct {
	config.Config
	kind     Kind
	now      time.Time
	all      []supervisord.ProcessInfo
	waiting  startorder.Record
	verdicts []Verdict
}

// about begins the verdict on something.
func (j *judge) about(name string) { j.verdicts = append(j.verdicts, Verdict{Name: name}) }

// problem adds a problem to that verdict.
func (j *judge) problem(brief, format string, args ...any) {
	v := &j.verdicts[len(j.verdicts)-1]
	v.Problems = append(v.Problems, Problem{fmt.Sprintf(format, args...), brief})
}

// programs finds the programs that have failed for good or end again and again, those
// that wait for others, and those that are stopped for no known reason. A stopped program without a mark was
// stopped by somebody else, as with supervisorctl: then the container is not ready, but
// alive.
func (j *judge) programs() {
	for _, p := range j.all {
		name := supervisor.Name(p)
		j.about(name)
		w, waits := j.waiting.Of(p)
		switch who, problem := Stopped(j.Config, p); {
		case waits && (w.Problem != "" || j.kind == Readiness):
			j.problem("waits for others", "%s %s", name, w)
		case problem:
			j.problem("is left stopped", "%s is %s: it %s", name, p.StateName, who)
		case who != "":
		case crashes.Load(j.RunDir, name).Loops(j.now, j.HealthCrashes):
			j.problem("ends again and again", "%s has ended unexpectedly %s (IMAGE_HEALTH_CRASHES): it %s", name, j.HealthCrashes, crashes.Load(j.RunDir, name).Text(j.now, j.HealthCrashes.Within))
		case j.isDown(p):
		case p.State == supervisord.StateFatal:
			j.problem("is FATAL", "%s is FATAL: %s", name, p.SpawnErr)
		case p.State == supervisord.StateStopped && p.Start > 0 && j.kind == Readiness:
			j.problem("is STOPPED", "%s is STOPPED, and nobody has marked it as stopped: container-manager start starts it", name)
		}
	}
}

// isDown reports whether a process has ended and is in the pause before it is started
// again. Such a container is not ready. It is alive until the program has ended as often
// without staying up as IMAGE_HEALTH_CRASHES says; the pauses get longer than its time.
func (j *judge) isDown(p supervisord.ProcessInfo) bool {
	pause, ok := backoff.Of(j.RunDir, p)
	if !ok {
		return false
	}
	if n := j.HealthCrashes.Count; j.kind == Readiness || n > 0 && pause.InARow >= n {
		name := supervisor.Name(p)
		ended := cmp.Or(crashes.Load(j.RunDir, name).Text(j.now, j.HealthCrashes.Within), "has ended")
		j.problem("waits to be started again", "%s %s, and %s", name, ended, pause.Text(j.now))
	}
	return true
}

func (j *judge) probes() error {
	if !j.kind.Enabled(j.Config) {
		return nil
	}
	all, err := scriptdir.Probes(j.kind.probeDir(j.Config))
	if err != nil {
		return err
	}
	known := readResults(j.Config, j.kind)
	for _, p := range all {
		j.about(p.Name)
		if p.Builtin {
			if failures, _, _ := baseFailures(j.Config, j.all); len(failures) > 0 {
				j.problem(strings.Join(failures, "; "), "%s: %s", p.Name, strings.Join(failures, "; "))
			}
			continue
		}
		result, ok := known[p.Name]
		j.probe(p, result, ok)
	}
	return nil
}

// probe judges by the last result of a probe. When its program was started anew since,
// only the state of the program counts until the probe runs again.
func (j *judge) probe(p scriptdir.Probe, result Result, known bool) {
	processes := supervisor.Select(j.all, p.Program)
	if _, ok := notDue(j.Config, p.Program); ok && j.kind == Liveness {
		return
	}
	for _, process := range processes {
		if _, told := backoff.Of(j.RunDir, process); j.kind == Readiness && process.State != supervisord.StateRunning && !told {
			j.problem(p.Program+" is "+process.StateName, "%s is %s", supervisor.Name(process), process.StateName)
		}
	}
	if !known || j.isFuture(result.Began) {
		if since, ok := j.cronStart(); ok && j.overdue(since) {
			j.problem("has not run", "%s has not run since cron started at %s", p.Name, since.Format(time.DateTime))
		}
		return
	}
	startedSince := slices.ContainsFunc(processes, func(process supervisord.ProcessInfo) bool {
		start := time.Unix(int64(process.Start), 0)
		return !start.Before(result.Began.Truncate(time.Second)) && !j.isFuture(start)
	})
	switch {
	case !result.Healthy && !startedSince:
		j.problem("failed", "%s failed at %s: %s", p.Name, result.Began.Local().Format(time.DateTime), result.Message)
	case j.overdue(result.Began):
		j.problem("has not run again", "%s ran last at %s, and should have run again (IMAGE_HEALTH_CRON=%s)", p.Name, result.Began.Local().Format(time.DateTime), j.HealthCron)
	}
}

// cronStart is when crond was started.
func (j *judge) cronStart() (time.Time, bool) {
	for _, p := range supervisor.Select(j.all, "crond") {
		if p.State == supervisord.StateRunning {
			return time.Unix(int64(p.Start), 0), true
		}
	}
	return time.Time{}, false
}

// overdue reports whether a check that ran last at this time should have run again, and
// ended, by now. When cron does not run the checks, no check is overdue.
func (j *judge) overdue(last time.Time) bool {
	when, err := schedule.Parse(j.HealthCron)
	if err != nil || !bool(j.CronEnabled) {
		return false
	}
	zone := time.Local
	if j.TimeZone != "" {
		if named, err := schedule.LoadZone(j.TimeZone); err == nil {
			zone = named
		}
	}
	next := when.Next(last.In(zone))
	return !next.IsZero() && j.now.After(next.Add(time.Duration(j.HealthTimeout)+lateness))
}
