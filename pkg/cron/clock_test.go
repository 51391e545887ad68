package cron

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A jump that the runner takes up neither loses the next runs nor brings others.
func TestRunnerClockJumps(t *testing.T) {
	const years = 20 * 365 * 24 * time.Hour
	for _, jump := range []time.Duration{0, 900 * time.Millisecond, time.Hour, -time.Hour, years, -years} {
		t.Run(jump.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newRig(t, "* * * * * rhythm\n2 0 * * * fixed\n")
				clock := systemClock()
				set := time.Now().Add(25 * time.Second)
				g.runner.clock = func() reading {
					now := clock()
					if now.wall.After(set) {
						now.wall = now.wall.Add(jump)
					}
					return now
				}
				g.start()
				time.Sleep(2*time.Minute + time.Second)
				g.wantRuns("01-01 00:01:00 rhythm", "01-01 00:02:00 fixed", "01-01 00:02:00 rhythm")
				if jump.Abs() >= smallestJump {
					g.wantLog(fmt.Sprintf("WARN\tcron the clock jumped by %s: the next times are computed anew", jump))
				}
				if strings.Contains(g.text(), "jumped") {
					t.Errorf("the log tells of a jump too many:\n%s", g.text())
				}
				g.stop()
			})
		})
	}
}

// What a jump does to what is due. The clock of a bubble cannot jump: instead,
// the jobs were due before, or far behind, what the clock shows.
func TestAdjust(t *testing.T) {
	const missed, ahead = -2 * time.Hour, 50 * time.Minute
	for name, tt := range map[string]struct {
		jump, due, wait time.Duration
		want            []string
	}{
		"forward: what was missed comes once, at once":      {2 * time.Hour, missed, time.Minute, []string{"01-01 00:00:00 fixed", "01-01 00:00:00 rhythm"}},
		"far forward: it does not":                          {4 * time.Hour, missed, time.Minute, nil},
		"back: a time of day is not repeated, a rhythm is":  {-time.Hour, ahead, 59 * time.Minute, []string{"01-01 00:30:00 rhythm", "01-01 00:50:00 fixed"}},
		"far back: everything starts anew":                  {-4 * time.Hour, ahead, 59 * time.Minute, []string{"01-01 00:30:00 fixed", "01-01 00:30:00 rhythm"}},
		"too little to notice: nothing changes":             {999 * time.Millisecond, ahead, 29 * time.Minute, nil},
		"too little to notice, backwards: nothing changes ": {-999 * time.Millisecond, ahead, 29 * time.Minute, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newRig(t, "30 0 * * * fixed\n*/30 * * * * rhythm\n")
				table, _, err := ReadFiles(g.runner.Files)
				if err != nil {
					t.Fatal(err)
				}
				g.runner.record = &record{}
				s := &scheduler{Runner: g.runner, ctx: t.Context()}
				s.replace(table)
				synctest.Wait() // the first times are computed
				for _, j := range s.jobs {
					j.due = time.Now().Add(tt.due)
				}
				s.adjust(tt.jump)
				time.Sleep(tt.wait)
				s.halt()
				s.started.Wait()
				g.wantRuns(tt.want...)
			})
		})
	}
}
