package cron

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	robfig "github.com/robfig/cron/v3"
)

// scheduler runs the jobs of a runner.
type scheduler struct {
	*Runner
	ctx  context.Context // of the jobs
	jobs []*job

	current *robfig.Cron
	// started are the schedulers and what they run, counted until they have ended.
	started sync.WaitGroup
	running atomic.Int32
}

// reload takes up crontabs that have changed, if they can be used.
func (s *scheduler) reload() {
	table, err := s.read(1)
	if err != nil {
		s.Log.Error().Msgf("the jobs stay as they are: %v", err)
		return
	}
	s.histories.use(table, s.Files)
	kept := s.replace(table)
	s.Log.Info().Msgf("%s from %s, %d of them as before", count(len(table)), strings.Join(s.Files, " and "), kept)
}

// key identifies a job across reloads.
type key struct{ file, spec, zone, command string }

// replace replaces the jobs by those of a table, and returns how many of them are the
// same as before. These keep the time at which they are due, and are not started while
// they still run.
func (s *scheduler) replace(table Table) (kept int) {
	before := make(map[key][]*job, len(s.jobs))
	for _, j := range s.jobs {
		k := keyOf(*j.entry.Load())
		before[k] = append(before[k], j)
	}
	jobs := make([]*job, 0, len(table))
	same := make(map[*job]bool, len(s.jobs))
	for i := range table {
		e := &table[i]
		k := keyOf(*e)
		if found := before[k]; len(found) > 0 {
			before[k] = found[1:]
			same[found[0]] = true
			found[0].entry.Store(e)
			jobs = append(jobs, found[0])
			continue
		}
		jobs = append(jobs, newJob(e, s))
	}
	s.jobs = jobs
	s.restart(func(j *job) bool { return same[j] })
	return len(same)
}

func keyOf(e Entry) key {
	return key{e.File, e.Spec, e.Schedule.Zone(), e.Command}
}

// restart hands the jobs to a new robfig scheduler. A job for which keep returns true
// keeps the time at which it is due, and runs at once when that is past. The time of any
// other job is computed from now on.
func (s *scheduler) restart(keep func(*job) bool) {
	zone := s.Zone
	if zone == nil {
		zone = time.Local
	}
	next := robfig.New(robfig.WithLocation(zone), robfig.WithLogger(robfig.DiscardLogger))
	for _, j := range s.jobs {
		next.Schedule(j, j.wrapped)
	}
	s.halt()
	for _, j := range s.jobs {
		j.keep = keep(j)
	}
	s.current = next
	next.Start()
}

// halt starts no more jobs and returns at once.
func (s *scheduler) halt() {
	if s.current == nil {
		return
	}
	ended := s.current.Stop()
	s.current = nil
	s.started.Go(func() { <-ended.Done() })
}

// A time server, or a machine that slept, makes the clock jump by a time between
// these two. Then jobs that came due meanwhile run once, and a time of day does not
// come twice. A smaller jump changes nothing. Before a larger jump the clock was
// wrong, so the times that it showed are forgotten. Vixie cron draws the same line.
const (
	smallestJump = time.Second
	largestJump  = 3 * time.Hour
)

// adjust computes the next times anew after the clock was set forward by jump.
func (s *scheduler) adjust(jump time.Duration) {
	var keep func(*job) bool
	switch {
	case jump.Abs() < smallestJump:
		return
	case jump.Abs() > largestJump:
		keep = func(*job) bool { return false }
	case jump > 0:
		keep = func(*job) bool { return true }
	default:
		keep = func(j *job) bool { return j.entry.Load().Schedule.Fixed() }
	}
	s.Log.Warn().Msgf("the clock jumped by %s: the next times are computed anew", jump.Round(time.Millisecond))
	s.restart(keep)
}

// reboot runs the jobs that are due when cron starts.
func (s *scheduler) reboot() {
	for _, j := range s.jobs {
		if j.entry.Load().Schedule.AtReboot() {
			s.started.Go(j.wrapped.Run)
		}
	}
}

func (s *scheduler) run(e Entry, output func(string)) error {
	s.running.Add(1)
	defer s.running.Add(-1)
	command := s.command
	if command == nil {
		command = s.runCommand
	}
	return command(s.ctx, e, output)
}

// end waits for the running jobs, and ends those that outlast the grace.
func (s *scheduler) end(endJobs context.CancelCauseFunc) {
	s.halt()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.started.Wait()
	}()
	if n := s.running.Load(); n > 0 {
		s.Log.Info().Msgf("ending: %s still running, with %s to end", count(int(n)), s.Grace)
	}
	grace := time.NewTimer(s.Grace)
	defer grace.Stop()
	select {
	case <-ended:
	case <-grace.C:
		endJobs(errEnding)
		<-ended
	}
	s.Log.Info().Msg("ended")
}

func count(jobs int) string {
	if jobs == 1 {
		return "1 job"
	}
	return fmt.Sprintf("%d jobs", jobs)
}
