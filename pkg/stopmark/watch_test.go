package stopmark

import (
	"context"
	"os"
	"sync/atomic"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

// watching watches marks and returns how often it was called to finish. Each call
// is as of a process that takes over and releases what it finds.
func watching(t *testing.T, run string, fails *atomic.Bool) (calls *atomic.Int32, look func()) {
	t.Helper()
	calls = &atomic.Int32{}
	look = Watch(t.Context(), run, func(context.Context) {
		calls.Add(1)
		if fails.Load() {
			return
		}
		for _, m := range Orphans(run) {
			if m.TakeOver() {
				must(t, Release(run, m.Program))
			}
		}
	})
	return calls, look
}

func TestWatch(t *testing.T) {
	run := t.TempDir()
	var fails atomic.Bool
	early := hold(t, run, "early", Backup)
	kill(t, early)
	calls, look := watching(t, run, &fails)
	gone := func() bool { return len(All(run)) == 0 }
	testenv.WaitFor(t, "what was there before is finished", gone)

	// One holder of several, and another that lives on.
	first, second, third := hold(t, run, "a", Restore), hold(t, run, "b", Restart), hold(t, run, "c", Backup)
	must(t, Hold(run, "d", Person))
	look()
	look()
	kill(t, first)
	kill(t, second)
	testenv.WaitFor(t, "two are finished", func() bool { return len(All(run)) == 2 })
	for _, program := range []string{"c", "d"} {
		if _, ok := Get(run, program); !ok {
			t.Errorf("%s is not held any more", program)
		}
	}
	kill(t, third)
	must(t, ReleasePerson(run, "d"))
	testenv.WaitFor(t, "all are finished", gone)
	if n := calls.Load(); n < 2 || n > 5 {
		t.Errorf("called %d times", n)
	}
}

// TestWatchNewMarks has holders die that have stopped nothing, so that supervisord
// tells of nothing.
func TestWatchNewMarks(t *testing.T) {
	run := t.TempDir()
	must(t, os.Mkdir(Dir(run), 0o755))
	var fails atomic.Bool
	watching(t, run, &fails)
	for range 10 {
		kill(t, hold(t, run, "a", Restart))
		testenv.WaitFor(t, "it is finished", func() bool { return len(All(run)) == 0 })
	}
}

// TestWatchGoesOn has what finishes fail, and other holders die meanwhile.
func TestWatchGoesOn(t *testing.T) {
	run := t.TempDir()
	var fails atomic.Bool
	fails.Store(true)
	calls, look := watching(t, run, &fails)
	kill(t, hold(t, run, "a", Restart))
	look()
	testenv.WaitFor(t, "it is tried again", func() bool { return calls.Load() >= 3 })
	before := calls.Load()
	kill(t, hold(t, run, "b", Restart))
	look()
	testenv.WaitFor(t, "the other is tried too", func() bool { return calls.Load() > before })
	fails.Store(false)
	testenv.WaitFor(t, "all are finished", func() bool { return len(All(run)) == 0 })
}

// TestWatchWithoutMarks costs nothing: there is not even a directory.
func TestWatchWithoutMarks(t *testing.T) {
	run := t.TempDir()
	look := Watch(t.Context(), run, func(context.Context) { t.Error("there is something to finish") })
	for range 100 {
		look()
	}
	if names, err := os.ReadDir(run); err != nil || len(names) > 0 {
		t.Errorf("%v, %v", names, err)
	}
}
