package cron

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ZPascal/container-manager/pkg/schedule"
)

// These tests run in a bubble: the clock stands at 2000-01-01 00:00 UTC and goes
// on when all goroutines wait. A goroutine that outlives a test fails it.

func TestRunnerRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, "*/2 * * * * a\n@every 90s b\n@reboot c\n1 0 * * * d\n")
		g.start()
		time.Sleep(4*time.Minute + time.Second)
		g.wantRuns("01-01 00:00:00 c", "01-01 00:01:00 d", "01-01 00:01:30 b", "01-01 00:02:00 a", "01-01 00:03:00 b", "01-01 00:04:00 a")
		g.wantLog("INFO\tcron 4 jobs from TAB", "INFO\ttab:4 start: d", "INFO\ttab:4 output", "INFO\ttab:4 end: exit status 0 after 0s")
		if took := g.stop(); took != 0 {
			t.Errorf("the end took %s with nothing running", took)
		}
	})
}

// The whole of a night with a change: a job of a time of day runs once.
func TestRunnerSummerTime(t *testing.T) {
	zone, err := schedule.LoadZone("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		evening time.Time
		want    []string
	}{
		{time.Date(2000, time.March, 25, 22, 0, 0, 0, zone), []string{
			"03-26 00:00:00 hours", "03-26 01:00:00 hours", "03-26 03:00:00 fixed", "03-26 03:00:00 hours", "03-26 04:00:00 hours",
			"03-26 23:00:00 hours", "03-27 02:30:00 fixed",
		}},
		{time.Date(2000, time.October, 28, 22, 0, 0, 0, zone), []string{
			"10-29 00:00:00 hours", "10-29 01:00:00 hours", "10-29 02:00:00 hours", "10-29 02:00:00 hours", "10-29 02:30:00 fixed",
			"10-29 03:00:00 hours", "10-29 04:00:00 hours", "10-29 23:00:00 hours", "10-30 02:30:00 fixed",
		}},
	} {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(time.Until(tt.evening))
			g := newRig(t, "30 2 * * * fixed\n0 * * * SUN hours\n")
			g.runner.Zone = zone
			g.start()
			time.Sleep(36 * time.Hour)
			g.mu.Lock()
			g.runs = slices.DeleteFunc(g.runs, func(run string) bool { return run[6:8] > "04" && run[6:8] < "23" })
			g.mu.Unlock()
			g.wantRuns(tt.want...)
			g.stop()
		})
	}
}

func TestRunnerSkipsRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, "* * * * * 150s long\n* * * * * short\n")
		g.start()
		time.Sleep(4*time.Minute + time.Second)
		g.wantRuns("01-01 00:01:00 150s long", "01-01 00:01:00 short", "01-01 00:02:00 short", "01-01 00:03:00 short", "01-01 00:04:00 150s long", "01-01 00:04:00 short")
		g.wantLog("INFO\ttab:1 start: 150s long", "WARN\ttab:1 skipped: it is still running", "WARN\ttab:1 skipped: it is still running",
			"INFO\ttab:1 end: exit status 0 after 2m30s", "INFO\ttab:1 start: 150s long")
		g.cancel()
		time.Sleep(time.Minute)
		g.stop()
	})
}

func TestRunnerSurvivesPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, "* * * * * panic\n")
		g.start()
		time.Sleep(2*time.Minute + time.Second)
		g.wantRuns("01-01 00:01:00 panic", "01-01 00:02:00 panic")
		if log := g.text(); strings.Count(log, "ERROR\ttab:1 panic: oh") != 2 {
			t.Error(log)
		}
		g.stop()
	})
}

func TestRunnerEnds(t *testing.T) {
	for command, want := range map[string]time.Duration{
		"3s in time":  3 * time.Second,
		"10m at work": 5 * time.Second,
	} {
		synctest.Test(t, func(t *testing.T) {
			g := newRig(t, "1 0 * * * "+command+"\n1,2 0 * * * next\n")
			g.start()
			time.Sleep(time.Minute)
			synctest.Wait()
			if took := g.stop(); took != want {
				t.Errorf("%s: the end took %s, want %s", command, took, want)
			}
			g.wantRuns("01-01 00:01:00 "+command, "01-01 00:01:00 next")
			if want == 3*time.Second {
				g.wantLog("INFO\tcron ending: 1 job still running, with 5s to end", "INFO\ttab:1 end: exit status 0 after 3s", "INFO\tcron ended")
			} else {
				g.wantLog("INFO\tcron ending: 1 job still running, with 5s to end", "ERROR\ttab:1 end: stopped because cron ends, after 5s", "INFO\tcron ended")
			}
		})
	}
}
