package script

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/test/testenv"
)

// slowChild runs in the foreground of a shell, and takes its time to end: a
// database behind a setup script.
const slowChild = `sh -c 'trap "sleep 0.2; echo closed; exit 0" TERM; echo child $$; echo ready; while :; do sleep 0.01; done'`

// A shell that waits for a child ends at once, without it.
func TestWhatTheLeaderLeavesHasGrace(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, _ string) {
		// Inherits orphans, as PID 1 does: a group with a zombie is not empty.
		if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
			t.Fatal(err)
		}
		closed := func(t *testing.T, lines []string) {
			t.Helper()
			if got := lines[len(lines)-1]; got != "closed" {
				t.Errorf("the last line is %q: the child could not close, or was not heard", got)
			}
		}
		t.Run("cancelled", func(t *testing.T) {
			c, lines := command(t, slowChild+"; true")
			c.Grace = time.Hour
			g := start(t, c, lines)
			g.cancel(errCancelled)
			if err := <-g.err; !errors.Is(err, errCancelled) {
				t.Errorf("error %v, want the context's cause", err)
			}
			closed(t, *lines)
		})
		t.Run("failed", func(t *testing.T) {
			fifo := filepath.Join(testenv.Dir(t), "go")
			if err := syscall.Mkfifo(fifo, 0o600); err != nil {
				t.Fatal(err)
			}
			c, lines := command(t, slowChild+" & read -r go <"+fifo+"; exit 3")
			c.Grace, c.EndOnFailure = time.Hour, true
			g := start(t, c, lines)
			testenv.Write(t, fifo, "\n", 0o600)
			var failed *Error
			if err := <-g.err; !errors.As(err, &failed) || failed.Status != 3 {
				t.Errorf("error %v, want exit status 3", err)
			}
			closed(t, *lines)
		})
	})
}

func TestFailureEndsWhatIgnoresSIGTERM(t *testing.T) {
	c, lines := command(t, "(trap '' TERM; exec sleep 1000) & echo child $!; echo ready; exit 3")
	c.Grace, c.EndOnFailure = 20*time.Millisecond, true
	g := start(t, c, lines)
	var failed *Error
	if err := <-g.err; !errors.As(err, &failed) || failed.Status != 3 {
		t.Errorf("error %v, want exit status 3", err)
	}
	testenv.WaitFor(t, "the child has ended", func() bool { return !testenv.Alive(g.pids["child"]) })
}
