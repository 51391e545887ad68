package script

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ZPascal/container-manager/test/testenv"
)

// group is a running command whose script has said which processes it has.
type group struct {
	pids   map[string]int
	cancel context.CancelCauseFunc
	lines  *[]string
	err    chan error
}

// start runs a script that prints `NAME PID` for its processes and then "ready".
func start(t *testing.T, c Command, lines *[]string) group {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	g := group{map[string]int{}, cancel, lines, make(chan error, 1)}
	ready := make(chan struct{})
	output := c.Output
	c.Output = func(line string) {
		var name string
		var pid int
		if n, _ := fmt.Sscanf(line, "%s %d", &name, &pid); n == 2 {
			g.pids[name] = pid
		} else if line == "ready" {
			close(ready)
		}
		output(line)
	}
	go func() { g.err <- c.Run(ctx) }()
	select {
	case <-ready:
	case err := <-g.err:
		select {
		case <-ready: // and has ended already
			g.err <- err
		default:
			t.Fatalf("the script ended before it was ready: %v", err)
		}
	}
	return g
}

var errCancelled = errors.New("cancelled by the test")

func TestCancelEndsTheWholeGroup(t *testing.T) {
	for name, body := range map[string]string{
		"a child":         "sleep 1000 & echo child $!; echo self $$; echo ready; wait",
		"a grandchild":    `echo self $$; sh -c 'sleep 1000 & echo grandchild $!; echo child $$; echo ready; wait' & wait`,
		"TERM is ignored": "trap '' TERM; sleep 1000 & echo child $!; echo self $$; echo ready; wait",
		"left behind":     "trap 'exit 0' TERM; (trap '' TERM; exec sleep 1000) & echo child $!; echo self $$; echo ready; wait",
		"without output":  "sleep 1000 >/dev/null 2>&1 & echo child $!; echo self $$; echo ready; exec >/dev/null 2>&1; wait",
	} {
		t.Run(name, func(t *testing.T) {
			c, lines := command(t, body)
			c.Grace = 50 * time.Millisecond
			g := start(t, c, lines)
			g.cancel(errCancelled)
			if err := <-g.err; !errors.Is(err, errCancelled) {
				t.Errorf("error %v, want the context's cause", err)
			}
			if len(g.pids) < 2 {
				t.Errorf("only saw the processes %v", g.pids)
			}
			for name, pid := range g.pids {
				testenv.WaitFor(t, name+" has ended", func() bool { return !testenv.Alive(pid) })
			}
		})
	}
}

func TestCancelAsksFirst(t *testing.T) {
	const cleanUp = `trap 'echo cleaned up; exit 0' TERM; echo ready; while :; do sleep 0.01; done`
	for name, body := range map[string]string{
		"the script": cleanUp,
		"its child":  `trap : TERM; sh -c "` + cleanUp + `" & child=$!; until wait $child; do :; done`,
	} {
		t.Run(name, func(t *testing.T) {
			c, lines := command(t, body)
			c.Grace = 30 * time.Second
			g := start(t, c, lines)
			g.cancel(errCancelled)
			if err := <-g.err; !errors.Is(err, errCancelled) {
				t.Errorf("error %v, want the context's cause", err)
			}
			if got := (*lines)[len(*lines)-1]; got != "cleaned up" {
				t.Errorf("the last line is %q: it could not clean up, or was not heard", got)
			}
		})
	}
}

func TestRunWhenAllIsOverAlready(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errCancelled)
	c, _ := command(t, "sleep 1000")
	if err := c.Run(ctx); !errors.Is(err, errCancelled) {
		t.Errorf("error %v, want the context's cause", err)
	}
}

func TestTimeout(t *testing.T) {
	for name, trap := range map[string]string{"asked": "", "killed": "trap '' TERM\n"} {
		t.Run(name, func(t *testing.T) {
			c, _ := command(t, trap+"echo waiting for db\nsleep 1000 & wait; sleep 1000")
			heard := make(chan struct{})
			c.Output = func(string) { close(heard) }
			c.Timeout, c.Grace = 300*time.Millisecond, 20*time.Millisecond
			err := c.Run(t.Context())
			var failed *Error
			if !errors.As(err, &failed) || failed.Timeout != c.Timeout || failed.Signal != 0 || failed.Status != 0 {
				t.Fatalf("error %#v, want a time-out", err)
			}
			output := "without output" // on a machine too busy for a first line
			select {
			case <-heard:
				output = "last output: waiting for db"
			default:
			}
			if want := c.Path + " did not end within 300ms and was killed, " + output; err.Error() != want {
				t.Errorf("error %q, want %q", err, want)
			}
		})
	}
}

func TestTimeoutThatIsNotReached(t *testing.T) {
	c, _ := command(t, "exit 4")
	c.Timeout = time.Hour
	var failed *Error
	if err := c.Run(t.Context()); !errors.As(err, &failed) || failed.Status != 4 || failed.Timeout != 0 {
		t.Errorf("error %v, want exit status 4", err)
	}
}

// What runs on in the background is not waited for and not killed, though it
// holds the output open.
func TestGrandchildKeepsOutputOpen(t *testing.T) {
	for status := range 2 {
		c, lines := command(t, fmt.Sprintf("sleep 1000 & echo child $!; echo ready; printf last; exit %d", status))
		g := start(t, c, lines)
		err := <-g.err
		var failed *Error
		if status == 0 && err != nil || status == 1 && (!errors.As(err, &failed) || failed.Status != 1) {
			t.Errorf("error %v, want exit status %d", err, status)
		}
		if got := (*lines)[len(*lines)-1]; got != "last" {
			t.Errorf("the last line is %q, want what was written before the end", got)
		}
		child := g.pids["child"]
		if !testenv.Alive(child) {
			t.Fatal("the process in the background was killed")
		}
		if err := syscall.Kill(child, syscall.SIGKILL); err != nil {
			t.Error(err)
		}
	}
}

func TestGrandchildThatNeverStopsWriting(t *testing.T) {
	c, lines := command(t, "yes & echo child $!; echo ready; exit 5")
	g := start(t, c, lines)
	var failed *Error
	if err := <-g.err; !errors.As(err, &failed) || failed.Status != 5 {
		t.Errorf("error %v, want exit status 5", err)
	}
	testenv.WaitFor(t, "the end of what nobody reads", func() bool { return !testenv.Alive(g.pids["child"]) })
}

func TestDrainerEnds(t *testing.T) {
	for left, want := range map[int]int{1000: 1000, 1 << 20: 5000, 0: 0} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		defer w.Close() // which nobody does while it reads
		if _, err := w.Write(make([]byte, 5000)); err != nil {
			t.Fatal(err)
		}
		if err := r.SetReadDeadline(time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
		d, total, chunk := drainer{r, left}, 0, make([]byte, 100)
		for {
			n, err := d.Read(chunk)
			total += n
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if total != want {
			t.Errorf("%d bytes with a limit of %d, want %d", total, left, want)
		}
	}
}

func TestSession(t *testing.T) {
	// process id, parent, process group, session; see proc(5).
	const body = `read -r pid comm state parent pgrp session rest </proc/$$/stat; echo "$pid $pgrp $session"`
	for _, session := range []bool{false, true} {
		c, lines := command(t, body)
		c.Session = session
		if err := c.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		var pid, pgrp, sid int
		if _, err := fmt.Sscan((*lines)[0], &pid, &pgrp, &sid); err != nil {
			t.Fatal(err)
		}
		if pgrp != pid || (sid == pid) != session {
			t.Errorf("session %v: pid %d, process group %d, session %d", session, pid, pgrp, sid)
		}
	}
}

func TestEndlessOutputTakesLittleMemory(t *testing.T) {
	for name, body := range map[string]string{
		"lines":    "yes 'a line of an endless output'",
		"one line": "cat /dev/zero",
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			c, _ := command(t, "exec "+body)
			var total, longest int
			var peak uint64
			before := heap()
			c.Output = func(line string) {
				total += len(line)
				longest = max(longest, len(line))
				if total > 64<<20 {
					cancel(errCancelled)
				}
				if total%(1<<20) < len(line) {
					peak = max(peak, heap())
				}
			}
			if err := c.Run(ctx); !errors.Is(err, errCancelled) {
				t.Fatal(err)
			}
			if longest > 64<<10 {
				t.Errorf("a piece of %d bytes", longest)
			}
			if peak > before+8<<20 {
				t.Errorf("the heap grew from %d to %d bytes", before, peak)
			}
		})
	}
}

// heap is what is in use, without what is only waiting to be collected.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestBinaryOutput(t *testing.T) {
	data := make([]byte, 300_000)
	for i := range data {
		data[i] = byte(i * i >> 3)
	}
	file := filepath.Join(testenv.Dir(t), "data")
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	c, lines := command(t, `cat "$1"; exit 1`)
	c.Args = []string{file}
	var failed *Error
	if err := c.Run(t.Context()); !errors.As(err, &failed) {
		t.Fatal(err)
	}
	strip := func(s string) string { return strings.NewReplacer("\r", "", "\n", "").Replace(s) }
	if got := strip(strings.Join(*lines, "")); got != strip(string(data)) {
		t.Errorf("%d bytes came, %d were written", len(got), len(strip(string(data))))
	}
	if len(failed.Error()) > 2000 {
		t.Errorf("the error has %d bytes", len(failed.Error()))
	}
}
