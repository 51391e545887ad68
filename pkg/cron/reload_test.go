package cron

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ZPascal/container-manager/pkg/log"
)

func TestRunnerReloads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, "*/2 * * * * 90s a\n@every 1m b\n@reboot c\n")
		g.start()
		time.Sleep(2*time.Minute + time.Second)
		g.wantRuns("01-01 00:00:00 c", "01-01 00:01:00 b", "01-01 00:02:00 90s a", "01-01 00:02:00 b")

		// The unchanged jobs keep their rhythm and are not started twice.
		time.Sleep(25 * time.Second)
		g.write("# moved\nX=1\n*/2 * * * * 90s a\n@every 1m b\n* * * * * d\n@reboot c\n")
		time.Sleep(watchInterval)
		g.wantLog("INFO\tcron 4 jobs from TAB, 3 of them as before")
		time.Sleep(30 * time.Second)
		g.wantRuns("01-01 00:03:00 b", "01-01 00:03:00 d")
		time.Sleep(time.Minute)
		g.wantLog("INFO\ttab:1 end: exit status 0 after 1m30s", "INFO\ttab:3 start: 90s a")
		g.wantRuns("01-01 00:04:00 90s a", "01-01 00:04:00 b", "01-01 00:04:00 d")

		// A signal does not wait for the next look.
		g.write("* * * * * e\n")
		g.reload <- os.Interrupt
		synctest.Wait()
		g.wantLog("INFO\tcron 1 job from TAB, 0 of them as before")
		time.Sleep(time.Minute)
		g.wantRuns("01-01 00:05:00 e")
		g.stop()
	})
}

// An entry that stands twice, in one crontab or in two, runs once, after a reload
// as well.
func TestRunnerLeavesOutRepeatedEntries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, "* * * * * a\n* *  * * * a\n")
		other := g.file + "2"
		write(t, other, "* * * * * a\n* * * * * b\n")
		g.runner.Files = append(g.runner.Files, other)
		g.start()
		g.wantLog("INFO\tcron 2 jobs left out, from TAB:2 on: an entry above is the same", "INFO\tcron 2 jobs from TAB and TAB2")
		g.write("# moved\n* * * * * a\n")
		g.reload <- os.Interrupt
		synctest.Wait()
		g.wantLog("INFO\tcron 1 job left out, from TAB2:1 on: an entry above is the same", "INFO\tcron 2 jobs from TAB and TAB2, 2 of them as before")
		time.Sleep(time.Minute + time.Second)
		g.wantRuns("01-01 00:01:00 a", "01-01 00:01:00 b")
		g.stop()
	})
}

// A job that is due in the moment of a reload is neither lost nor run twice.
func TestRunnerReloadsWhenDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, "* * * * * a\n")
		g.start()
		time.Sleep(time.Minute)
		for i := range 20 {
			g.write("* * * * * a\n" + strings.Repeat("#", i+1))
			g.reload <- os.Interrupt
		}
		time.Sleep(time.Second)
		g.wantRuns("01-01 00:01:00 a")
		g.stop()
	})
}

func TestRunnerKeepsTable(t *testing.T) {
	const before = "* * * * * a\n"
	for name, tt := range map[string]struct {
		strict bool
		change func(g *rig)
		log    []string
	}{
		"nothing but bad lines": {false, func(g *rig) { g.write("61 * * * * x\nnonsense\n") }, []string{
			"ERROR\tcron the jobs stay as they are: TAB:1: minute 61 is above 59",
			"TAB:2: has 1 of five fields: minute, hour, day of month, month, day of week",
		}},
		"strict": {true, func(g *rig) { g.write("@every 1m b\n61 * * * * x\n") }, []string{
			"ERROR\tcron the jobs stay as they are: TAB:2: minute 61 is above 59",
		}},
		"a directory": {false, func(g *rig) {
			if err := os.Remove(g.file); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(g.file, 0o700); err != nil {
				t.Fatal(err)
			}
		}, []string{"ERROR\tcron the jobs stay as they are: cannot read the crontab: read TAB: is no regular file"}},
		"gone": {false, func(g *rig) {
			if err := os.Remove(g.file); err != nil {
				t.Fatal(err)
			}
		}, []string{"WARN\tcron TAB is gone: its jobs stay until it is back"}},
		"gone, and a signal": {false, func(g *rig) {
			if err := os.Remove(g.file); err != nil {
				t.Fatal(err)
			}
			g.reload <- os.Interrupt
		}, []string{
			"WARN\tcron TAB is gone: its jobs stay until it is back",
			"ERROR\tcron the jobs stay as they are: cannot read the crontab: open TAB: no such file or directory",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newRig(t, before)
				g.runner.Strict = tt.strict
				g.start()
				tt.change(g)
				time.Sleep(3 * watchInterval)
				g.wantLog(tt.log...)
				time.Sleep(time.Minute)
				g.wantRuns("01-01 00:01:00 a")
				if log := g.text(); strings.Contains(log, "stay") {
					t.Errorf("it is said more than once: %s", log)
				}
				if err := os.RemoveAll(g.file); err != nil {
					t.Fatal(err)
				}
				g.write("* * * * * back\n")
				time.Sleep(time.Minute)
				g.wantRuns("01-01 00:02:00 back")
				g.stop()
			})
		})
	}
}

func TestRunnerLeavesOutBadLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, "* * * * * a\n0 0 30 2 * never\n")
		g.start()
		g.wantLog("ERROR\tcron TAB:2: never fires: February has no day 30: left out", "INFO\tcron 1 job from TAB")
		g.write("* * * * * a\n* * * * * b\n0 0 30 2 * never\n")
		time.Sleep(time.Minute)
		synctest.Wait()
		g.wantLog("ERROR\tcron TAB:3: never fires: February has no day 30: left out", "INFO\tcron 2 jobs from TAB, 1 of them as before")
		g.wantRuns("01-01 00:01:00 a", "01-01 00:01:00 b")
		g.stop()
	})
}

func TestRunnerRefusesToStart(t *testing.T) {
	dir := t.TempDir()
	gone, bad := filepath.Join(dir, "gone"), filepath.Join(dir, "bad")
	write(t, bad, "* * * * * a\nbad\n")
	for file, want := range map[string]string{
		gone: fmt.Sprintf("cannot read the crontab: open %s: no such file or directory", gone),
		bad:  bad + ":2: has 1 of five fields: minute, hour, day of month, month, day of week",
	} {
		r := &Runner{Files: []string{file}, Strict: true, Log: log.New(&bytes.Buffer{}, log.Options{})}
		if err := r.Run(t.Context(), nil); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
