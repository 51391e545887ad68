package cron

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ZPascal/container-manager/pkg/log"
)

// rig is a runner with commands that only take their time.
type rig struct {
	t      *testing.T
	file   string
	runner *Runner
	reload chan os.Signal
	cancel context.CancelFunc
	done   chan error

	mu   sync.Mutex
	log  bytes.Buffer
	runs []string // "01-02 15:04:05 command", in UTC or the runner's zone
}

func newRig(t *testing.T, crontab string) *rig {
	t.Helper()
	g := &rig{t: t, file: filepath.Join(t.TempDir(), "tab"), reload: make(chan os.Signal, 1), done: make(chan error, 1)}
	write(t, g.file, crontab)
	g.runner = &Runner{Files: []string{g.file}, Zone: time.UTC, Grace: 5 * time.Second, command: g.command}
	g.runner.Log = log.Named(log.New(g, log.Options{}), "cron")
	return g
}

// Write takes the log, without the times.
func (g *rig) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, line, _ := strings.Cut(string(p), "\t")
	g.log.WriteString(line)
	return len(p), nil
}

// command takes as long as its text says: "5s x".
func (g *rig) command(ctx context.Context, e Entry, output func(string)) error {
	g.mu.Lock()
	g.runs = append(g.runs, time.Now().In(g.runner.Zone).Format("01-02 15:04:05 ")+e.Command)
	g.mu.Unlock()
	output("output")
	if e.Command == "panic" {
		panic("oh")
	}
	first, _, _ := strings.Cut(e.Command, " ")
	took, _ := time.ParseDuration(first)
	select {
	case <-time.After(took):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (g *rig) start() {
	ctx, cancel := context.WithCancel(g.t.Context())
	g.cancel = cancel
	go func() { g.done <- g.runner.Run(ctx, g.reload) }()
	synctest.Wait()
}

// stop ends the runner and returns how long that took.
func (g *rig) stop() time.Duration {
	g.t.Helper()
	start := time.Now()
	g.cancel()
	if err := <-g.done; err != nil {
		g.t.Error(err)
	}
	return time.Since(start)
}

func (g *rig) write(crontab string) {
	g.t.Helper()
	// A bubble's time does not reach the file system: the size must change.
	write(g.t, g.file, crontab)
}

func (g *rig) wantRuns(want ...string) {
	g.t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	slices.Sort(g.runs)
	if !slices.Equal(g.runs, want) {
		g.t.Errorf("runs:\n  %s\nwant:\n  %s", strings.Join(g.runs, "\n  "), strings.Join(want, "\n  "))
	}
	g.runs = nil
}

// wantLog wants the lines in the log, in this order, and forgets the log.
func (g *rig) wantLog(lines ...string) {
	g.t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	rest := strings.ReplaceAll(g.log.String(), g.file, "TAB")
	for _, line := range lines {
		_, after, ok := strings.Cut(rest, line+"\n")
		if !ok {
			g.t.Errorf("the log does not go on with %q:\n%s", line, rest)
		} else {
			rest = after
		}
	}
	g.log.Reset()
}

func (g *rig) text() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.log.String()
}
