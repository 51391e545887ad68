// Package counts holds what the container manager costs as counts: instructions, page
// faults, system calls, bytes and questions to supervisord. A slower or a busy machine
// takes more time for them, but it does not need more of them.
//
// Each limit has about a tenth of room. Who exceeds one has made every start of every
// container dearer, and looks for the reason before the limit is raised: GODEBUG=inittrace=1
// shows what is set up before main, and strace what a start does.
package counts

import (
	"path/filepath"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m, nil) }

// cost is what one run of a command needs.
type cost struct {
	instructions int // of the processor, in user mode, as valgrind counts them on amd64
	pageFaults   int // that need no disk
	calls        int // system calls that name a file or have a file descriptor
	written      int // bytes written to files; paths of the test's directory are among them
}

// unrunnable is what the starts below end with. A command that runs would take the
// counters over with the exec.
const unrunnable = "tmp/unrunnable"

// TestCommands compares what commands cost with what is promised.
func TestCommands(t *testing.T) {
	promises := []struct {
		name   string
		args   []string
		status int
		before func(*testing.T, *testenv.Container) // each run; nil for a container that was started before
		isUp   bool                                 // the container runs meanwhile
		most   cost
	}{
		{name: "version", args: []string{"version"}, most: cost{2_100_000, 430, 50, 0}},
		{name: "first start", args: []string{"run", unrunnable}, status: 126, before: forget, most: cost{7_400_000, 610, 700, 12_000}},
		{name: "second start", args: []string{"run", unrunnable}, status: 126, most: cost{7_400_000, 610, 580, 1_200}},
		{name: "check-readiness", args: []string{"check-readiness"}, isUp: true, most: cost{5_500_000, 610, 200, 175}},
		{name: "health readiness", args: []string{"health", "readiness"}, isUp: true, most: cost{7_100_000, 565, 130, 0}},
		{name: "backup list", args: []string{"backup", "list"}, most: cost{4_800_000, 500, 90, 0}},
	}
	for _, p := range promises {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			c := newContainer(t)
			run := func(tool ...string) string {
				t.Helper()
				if p.before != nil {
					p.before(t, c)
				}
				return runOnce(t, c, p.status, append(tool, append([]string{manager(t)}, p.args...)...)...)
			}
			switch {
			case p.isUp:
				c.Start()
			case p.before == nil:
				runOnce(t, c, 126, manager(t), "run", unrunnable)
			}
			got := cost{
				instructions: least(2, func() int { return instructions(t, run) }),
				pageFaults:   least(5, func() int { return pageFaults(t, run) }),
			}
			// A machine that is slow just then has the runtime look more often.
			got.calls = least(3, func() (calls int) {
				calls, got.written = fileCalls(t, c, run)
				return calls
			})
			t.Logf("%+v", got)
			for _, count := range []struct {
				what      string
				got, most int
			}{
				{"instructions", got.instructions, p.most.instructions},
				{"page faults", got.pageFaults, p.most.pageFaults},
				{"system calls on files", got.calls, p.most.calls},
				{"bytes written", got.written, p.most.written},
			} {
				if count.got > count.most {
					t.Errorf("%d %s, promised are at most %d", count.got, count.what, count.most)
				}
			}
		})
	}
}

// newContainer returns a container with cron, as it is by default. One thread at a
// time runs, because how many threads the runtime starts is a matter of chance. Under
// valgrind, signals that preempt goroutines may end in a crash.
func newContainer(t *testing.T) *testenv.Container {
	t.Helper()
	return testenv.NewContainer(t, 0, map[string]string{
		unrunnable: "neither a script nor a program",
		"image/health/readiness.probes.d/check-health.sh": "#!/bin/sh\nexit 0\n",
	}, "IMAGE_CRON_ENABLED=1", "GOMAXPROCS=1", "GODEBUG=asyncpreemptoff=1")
}

func manager(t *testing.T) string { return filepath.Join(testenv.Programs(t), "container-manager") }

// forget makes the next start a first one.
func forget(t *testing.T, c *testenv.Container) {
	t.Helper()
	for _, dir := range []string{"storage", "run"} {
		if err := remove(c.Path(dir)); err != nil {
			t.Fatal(err)
		}
	}
}

// least is the smallest of several counts: chance only ever adds to them.
func least(times int, count func() int) int {
	smallest := count()
	for range times - 1 {
		smallest = min(smallest, count())
	}
	return smallest
}

// TestProcessesThatStay counts the page faults of what runs as long as the container,
// up to the moment when it has nothing left to do.
func TestProcessesThatStay(t *testing.T) {
	t.Parallel()
	for program, most := range map[string]int{"crond": 1020, "health": 1000} {
		t.Run(program, func(t *testing.T) {
			t.Parallel()
			c := newContainer(t)
			got := least(3, func() int {
				l := c.Start()
				defer l.Stop()
				return settledFaults(t, c.PID(program))
			})
			t.Logf("%d page faults", got)
			if got > most {
				t.Errorf("%d page faults, promised are at most %d", got, most)
			}
		})
	}
}
