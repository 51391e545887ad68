package cron

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/test/testenv"
)

// These tests run real processes: @reboot and @every 1s are due soon enough.

// lines is a log without its times.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, line, _ := strings.Cut(string(p), "\t")
	l.b.WriteString(line)
	return len(p), nil
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// startReal runs a crontab. What it returns ends the runner and waits until
// nothing of it is left.
func startReal(t *testing.T, r *Runner, crontab string) (*lines, func()) {
	t.Helper()
	goroutines := runtime.NumGoroutine()
	file := filepath.Join(t.TempDir(), "tab")
	write(t, file, crontab)
	l := &lines{}
	r.Files, r.Log, r.Environ = []string{file}, log.Named(log.New(l, log.Options{}), "cron"), append(os.Environ(), r.Environ...)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx, nil) }()
	return l, func() {
		t.Helper()
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		testenv.WaitFor(t, "all goroutines to end", func() bool { return runtime.NumGoroutine() <= goroutines })
	}
}

func waitForLog(t *testing.T, l *lines, pattern string) {
	t.Helper()
	compiled := regexp.MustCompile(pattern)
	testenv.WaitFor(t, "the log to match "+pattern, func() bool { return compiled.MatchString(l.String()) })
}

// runReal runs a crontab until the log matches until, then ends the runner.
func runReal(t *testing.T, r *Runner, crontab, until string) string {
	t.Helper()
	l, end := startReal(t, r, crontab)
	waitForLog(t, l, until)
	end()
	return l.String()
}

func wantMatch(t *testing.T, text, pattern string) {
	t.Helper()
	if !regexp.MustCompile(pattern).MatchString(text) {
		t.Errorf("%s does not match in:\n%s", pattern, text)
	}
}

func TestCommands(t *testing.T) {
	text := runReal(t, &Runner{Environ: []string{"OUTER=outer", "A=0"}}, `A=1
@reboot echo "100% of $A, $OUTER"; echo error >&2; exit 3
@reboot kill -9 $$
@reboot no-such-command
@reboot printf 'no line end'
`, `(?s)(end: .*){4}`)
	for _, want := range []string{
		`INFO\ttab:2 start: echo "100% of \$A, \$OUTER"; echo error >&2; exit 3`, `INFO\ttab:2 100% of 1, outer\nINFO\ttab:2 error\n`,
		`ERROR\ttab:2 end: exit status 3 after \d+ms`, `ERROR\ttab:3 end: ended by signal 9 \(killed\) after `,
		`INFO\ttab:4 .*no-such-command.*not found`, `ERROR\ttab:4 end: exit status 127 after `,
		`INFO\ttab:5 no line end\n`, `INFO\ttab:5 end: exit status 0 after `,
	} {
		wantMatch(t, text, want)
	}
}

// pids waits for n process numbers that jobs wrote to *.pid.
func pids(t *testing.T, dir string, n int) []int {
	t.Helper()
	var found []int
	testenv.WaitFor(t, "process numbers in "+dir, func() bool {
		found = nil
		files, err := filepath.Glob(filepath.Join(dir, "*.pid"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			data, err := os.ReadFile(f)
			pid, convErr := strconv.Atoi(strings.TrimSpace(string(data)))
			if err == nil && convErr == nil {
				found = append(found, pid)
			}
		}
		return len(found) == n
	})
	return found
}

// gone reports whether a process has ended. That nobody has reaped it does not
// matter: in a container without an init that is what becomes of orphans.
func gone(pid int) bool { return !testenv.Alive(pid) }

// A job that ignores SIGTERM, with a grandchild that holds its output open, is
// killed with all of its group when its time is up.
func TestTimeout(t *testing.T) {
	testenv.NotQuick(t)
	dir := t.TempDir()
	testenv.EverLonger(t, "the job starts", func(limit time.Duration) bool {
		text := runReal(t, &Runner{Timeout: limit},
			fmt.Sprintf("@reboot trap '' TERM; cd %s; (trap '' TERM; echo $$ >a.pid; sleep 1000) & echo $! >b.pid; echo started; sleep 1000\n", dir), `end: `)
		wantMatch(t, text, `ERROR\ttab:1 end: killed, because it ran for more than `+limit.String()+` \(IMAGE_CRON_JOB_TIMEOUT\), after \d`)
		return strings.Contains(text, "INFO\ttab:1 started\n") && testenv.Exists(dir+"/a.pid")
	})
	for _, pid := range pids(t, dir, 2) {
		testenv.WaitFor(t, fmt.Sprintf("process %d to end", pid), func() bool { return gone(pid) })
	}
}

// A job that is still running when cron ends has the grace, then it is ended
// with all of its group.
func TestEndOfRunningJobs(t *testing.T) {
	dir := t.TempDir()
	text := runReal(t, &Runner{Grace: 100 * time.Millisecond},
		fmt.Sprintf("@reboot cd %s; echo $$ >a.pid; sleep 1000 & echo $! >b.pid; echo started; wait\n", dir), `tab:1 started`)
	wantMatch(t, text, `INFO\tcron ending: 1 job still running, with 100ms to end\nERROR\ttab:1 end: stopped because cron ends, after \d+ms\nINFO\tcron ended\n`)
	for _, pid := range pids(t, dir, 2) {
		testenv.WaitFor(t, fmt.Sprintf("process %d to end", pid), func() bool { return gone(pid) })
	}
}

// A job that restarts cron must not end with cron's process group.
func TestJobsAreSessions(t *testing.T) {
	runReal(t, &Runner{}, "@reboot read -r pid x x x group session x </proc/self/stat; [ $pid = $group ] && [ $pid = $session ] && echo leader\n",
		`INFO\ttab:1 leader\n`)
}

// Jobs that are due together run together, and end together.
func TestManyAtOnce(t *testing.T) {
	testenv.NotQuick(t)
	const n = 200
	dir := t.TempDir()
	var crontab strings.Builder
	for i := range n {
		fmt.Fprintf(&crontab, "@every 1s echo $$ >%s/%d.pid; exec sleep 1000\n", dir, i)
	}
	l, end := startReal(t, &Runner{}, crontab.String())
	running := pids(t, dir, n)
	if text := l.String(); strings.Contains(text, "end:") {
		t.Errorf("a job has ended:\n%s", text)
	}
	end()
	for _, pid := range running {
		if !gone(pid) {
			t.Errorf("process %d is still there", pid)
		}
	}
	if got := strings.Count(l.String(), "end: stopped because cron ends"); got != n {
		t.Errorf("%d jobs were stopped, want %d", got, n)
	}
}

func TestOutputStreams(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	l, end := startReal(t, &Runner{Grace: time.Minute}, fmt.Sprintf("@reboot echo first; cat <%s; printf last\n", pipe))
	waitForLog(t, l, `tab:1 first\n`)
	w, err := os.OpenFile(pipe, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.WriteString("second\r\nthi"); err != nil {
		t.Fatal(err)
	}
	waitForLog(t, l, `tab:1 second\n`)
	if _, err := w.WriteString("rd\n"); err != nil {
		t.Fatal(err)
	}
	waitForLog(t, l, `tab:1 third\n`)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	waitForLog(t, l, `tab:1 last\nINFO\ttab:1 end: exit status 0`)
	end()
}
