package stdoutlog

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/test/testenv"
)

// rig is a directory of logs, and a Follower whose output is read.
type rig struct {
	t         *testing.T
	dir       string
	sources   []Source
	json      bool
	r, w      *os.File // the pipe that it writes to
	mu        sync.Mutex
	collected bytes.Buffer
	messages  bytes.Buffer
}

func newRig(t *testing.T, programs ...string) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir()}
	for _, p := range programs {
		r.sources = append(r.sources, Source{Program: p, Stream: "stdout", Path: r.path(p + ".log")})
	}
	var err error
	if r.r, r.w, err = os.Pipe(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = r.r.Close(), r.w.Close() })
	return r
}

func (r *rig) path(name string) string { return filepath.Join(r.dir, name) }

// begin is what the container's start does.
func (r *rig) begin() {
	r.t.Helper()
	var records []record
	for _, s := range r.sources {
		rec := record{path: s.Path}
		if info, err := os.Stat(s.Path); err == nil {
			rec.inode, rec.offset = inodeOf(info), info.Size()
		}
		records = append(records, rec)
	}
	r.must(writeRecords(r.path("positions"), records))
}

// follow runs a Follower until the result is called.
func (r *rig) follow() (end func()) {
	r.t.Helper()
	fd, err := unix.Dup(int(r.w.Fd()))
	r.must(err)
	out, err := newOutput(fd)
	r.must(err)
	f := Follower{Sources: r.sources, Positions: r.path("positions"), Out: out, JSON: r.json, Log: log.New(&r.messages, log.Options{})}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	return sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			r.t.Errorf("Run: %v", err)
		}
		_ = unix.Close(fd)
		if f.watch != nil {
			_ = f.watch.f.Close()
		}
	})
}

// read begins to read the output.
func (r *rig) read() {
	go func() {
		buf := make([]byte, 64<<10)
		for {
			n, err := r.r.Read(buf)
			r.mu.Lock()
			r.collected.Write(buf[:n])
			r.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
}

func (r *rig) output() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.collected.String()
}

// shows waits for the whole output.
func (r *rig) shows(want string) {
	r.t.Helper()
	testenv.WaitFor(r.t, "the output", func() bool { return len(r.output()) >= len(want) })
	if got := r.output(); got != want {
		r.t.Errorf("output is\n%s\nwant\n%s", brief(got), brief(want))
	}
}

func brief(s string) string {
	if len(s) > 2000 {
		return fmt.Sprintf("%q... (%d bytes)", s[:2000], len(s))
	}
	return fmt.Sprintf("%q", s)
}

func (r *rig) write(name, text string) {
	r.t.Helper()
	f, err := os.OpenFile(r.path(name), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	r.must(err)
	_, err = f.WriteString(text)
	r.must(err)
	r.must(f.Close())
}

// rotate renames a log as supervisord does.
func (r *rig) rotate(name string, backups int) {
	r.t.Helper()
	for n := backups - 1; n > 0; n-- {
		_ = os.Rename(r.path(fmt.Sprintf("%s.%d", name, n)), r.path(fmt.Sprintf("%s.%d", name, n+1)))
	}
	r.must(os.Rename(r.path(name), r.path(name+".1")))
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// lines are numbered lines, as a program writes them and with its name in front.
func lines(from, to int) (plain, shown string) {
	var p, s strings.Builder
	for n := from; n <= to; n++ {
		fmt.Fprintf(&p, "line %d\n", n)
		fmt.Fprintf(&s, "app | line %d\n", n)
	}
	return p.String(), s.String()
}
