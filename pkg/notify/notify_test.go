package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/test/testenv"
)

// rig is a container's directories, and a deliverer with a clock of its own.
type rig struct {
	*testing.T
	Deliverer
	dir  string
	now  time.Time
	said *bytes.Buffer
}

func newRig(t *testing.T) *rig {
	t.Helper()
	dir := testenv.Dir(t)
	r := &rig{T: t, dir: dir, said: &bytes.Buffer{}, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	r.Deliverer = Deliverer{
		Config: config.Config{
			RunDir: filepath.Join(dir, "run"), NotifyDir: filepath.Join(dir, "notify.d"),
			NotifyEvery: config.Duration(time.Hour), NotifyTimeout: config.Duration(time.Minute),
			ImageName: "hello", AppVersion: "2",
			Environ: []string{"PATH=" + os.Getenv("PATH"), "OUT=" + filepath.Join(dir, "out"), "DB_PASSWORD=hunter2", "SHORT_TOKEN=it"},
		},
		Log: log.New(r.said, log.Options{}),
		Now: func() time.Time { return r.now },
	}
	testenv.Mkdir(t, r.Config.RunDir)
	return r
}

// script adds a script; prepare has to be called behind.
func (r *rig) script(name, body string) {
	r.Helper()
	testenv.Script(r.T, filepath.Join(r.Config.NotifyDir, name), body)
}

func (r *rig) prepare() {
	r.Helper()
	if err := Prepare(r.Config); err != nil {
		r.Fatal(err)
	}
}

func (r *rig) send(e Event) {
	r.Helper()
	if e.When.IsZero() {
		e.When = r.now
	}
	if err := Send(r.Config.RunDir, e); err != nil {
		r.Fatal(err)
	}
}

func (r *rig) run() {
	r.Helper()
	if err := r.Deliverer.Run(r.Context()); err != nil {
		r.Fatal(err)
	}
}

// out is what the scripts have written.
func (r *rig) out() string { return testenv.ReadIfThere(r.T, filepath.Join(r.dir, "out")) }

func (r *rig) spooled() (names []string) {
	names, _ = pending(Dir(r.Config.RunDir))
	return names
}

// says fails unless the log has each text.
func (r *rig) says(texts ...string) {
	r.Helper()
	for _, text := range texts {
		if !strings.Contains(r.said.String(), text) {
			r.Errorf("the log lacks %q:\n%s", text, r.said)
		}
	}
}

const keep = `cat >>"$OUT"`

func TestEventsAreTold(t *testing.T) {
	r := newRig(t)
	r.script("10-keep.sh", keep)
	r.script("20-other.sh", `echo "hello;ERROR bad"`)
	r.prepare()
	r.send(Event{Kind: JobFailed, Job: "report", What: "report failed:\n exit status 3, it said hunter2 \xff"})
	r.send(Event{Kind: ProgramRestart, Program: "group:app", What: "restarted"})
	if len(r.spooled()) != 2 || r.out() != "" {
		t.Errorf("spool %v, out %s", r.spooled(), r.out())
	}
	r.run()
	want := `{"kind":"job-failed","job":"report","what":"report failed: exit status 3, it said ***** ?","when":"2026-03-01T12:00:00Z","labels":{"APP_VERSION":"2","IMAGE_NAME":"hello"}}
{"kind":"program-restarted","program":"group:app","what":"restarted","when":"2026-03-01T12:00:00Z","labels":{"APP_VERSION":"2","IMAGE_NAME":"hello"}}
`
	if got := r.out(); got != want {
		t.Errorf("the script got\n%swant\n%s", got, want)
	}
	if left := r.spooled(); len(left) > 0 {
		t.Errorf("the spool has %v", left)
	}
	r.says("20-other.sh hello")
}

// Without a script that would be called, nothing is written.
func TestNobodyToTell(t *testing.T) {
	r := newRig(t)
	for _, prepare := range []func(){
		func() {},
		func() { testenv.Mkdir(t, r.Config.NotifyDir) },
		func() { testenv.Write(t, filepath.Join(r.Config.NotifyDir, "empty.sh"), "", 0o755) },
		func() {
			testenv.Write(t, filepath.Join(r.Config.NotifyDir, Webhook), "#!/usr/bin/container-manager script\n", 0o755)
		},
	} {
		prepare()
		r.prepare()
		r.send(Event{Kind: Test})
		if names := testenv.Names(t, r.Config.RunDir); len(names) > 0 {
			t.Errorf("IMAGE_RUN_DIR has %v", names)
		}
	}
	r.Config.NotifyURL = "http://127.0.0.1:1/"
	r.prepare()
	r.send(Event{Kind: ProgramFatal})
	r.send(Event{Kind: JobFailed})
	testenv.Write(t, filepath.Join(Dir(r.Config.RunDir), ".half"), "", 0o600)
	r.prepare() // the next life: a shutdown may have made the program FATAL
	if names := testenv.Names(t, Dir(r.Config.RunDir)); len(names) != 1 || !strings.HasSuffix(names[0], "-job-failed.json") {
		t.Errorf("the spool has %v", names)
	}
	r.Config.NotifyURL = ""
	r.prepare()
	if testenv.Exists(Dir(r.Config.RunDir)) {
		t.Error("the spool is still there")
	}
}

func TestRepeatsAreFolded(t *testing.T) {
	r := newRig(t)
	r.script("keep.sh", keep)
	r.prepare()
	send := func(job string) {
		r.send(Event{Kind: JobFailed, Job: job, What: job, When: r.now})
		r.run()
	}
	send("a")
	send("b")
	for range 3 {
		r.now = r.now.Add(time.Minute)
		send("a")
	}
	r.now = r.now.Add(time.Hour)
	send("a")
	send("b")
	r.now = r.now.Add(-24 * time.Hour) // the clock was set back
	send("a")
	var got []string
	for line := range strings.Lines(r.out()) {
		var e Event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(e.Job, e.Repeated))
	}
	if want := []string{"a0", "b0", "a3", "b0", "a0"}; !slices.Equal(got, want) {
		t.Errorf("told %v, want %v", got, want)
	}

	r.Config.NotifyEvery = 0
	send("a")
	send("a")
	if n := strings.Count(r.out(), "\n"); n != len(got)+2 {
		t.Errorf("with 0, %d were told", n)
	}
}

// What nobody has taken is not told, so the next one is no repeat of it.
func TestFailedScripts(t *testing.T) {
	r := newRig(t)
	r.script("bad.sh", `echo "no such channel"; exit 7`)
	testenv.Write(t, filepath.Join(r.Config.NotifyDir, "mode.sh"), "#!/bin/sh\n", 0o644)
	testenv.Write(t, filepath.Join(r.Config.NotifyDir, "other.py"), "#!/usr/bin/container-manager script\n", 0o755)
	r.prepare()
	for range 2 {
		r.send(Event{Kind: JobFailed, Job: "a", What: "a failed: exit status 1"})
		r.run()
	}
	if n := strings.Count(r.said.String(), "bad.sh has not told that a failed: exit status 1: "); n != 2 {
		t.Errorf("%d failures in the log:\n%s", n, r.said)
	}
	r.says(
		"bad.sh ended with exit status 7, last output: no such channel",
		"is not executable for uid", "there is no built-in of this name",
	)
	if left := r.spooled(); len(left) > 0 {
		t.Errorf("the spool has %v", left)
	}
}

// A script that hangs is killed with all of its group, and the next one is called.
func TestScriptThatHangs(t *testing.T) {
	r := newRig(t)
	r.script("10-hang.sh", `sleep 1000 & echo $! >"$OUT.pid"; trap '' TERM; while :; do sleep 1000; done`)
	r.script("20-keep.sh", keep)
	r.Config.NotifyTimeout = config.Duration(time.Second)
	r.prepare()
	r.send(Event{Kind: JobFailed, What: "it failed"})
	r.run()
	r.says("10-hang.sh has not told that it failed: ", "10-hang.sh did not end within 1s and was killed, without output (IMAGE_NOTIFY_TIMEOUT)")
	if !strings.Contains(r.out(), "it failed") {
		t.Errorf("the next script got %q", r.out())
	}
	pid := strings.TrimSpace(testenv.Read(t, filepath.Join(r.dir, "out.pid")))
	testenv.WaitFor(t, "the child of the script is gone", func() bool {
		stat := testenv.ReadIfThere(t, "/proc/"+pid+"/stat")
		return stat == "" || strings.Contains(stat, ") Z ")
	})
}

// A script that leaves processes behind, which hold its output open, is not waited for.
func TestScriptThatForks(t *testing.T) {
	r := newRig(t)
	r.script("10-fork.sh", `for i in 1 2 3 4 5; do sleep 1000 & echo $! >>"$OUT.pid"; done; echo forked`)
	r.script("20-keep.sh", keep)
	r.prepare()
	r.send(Event{Kind: JobFailed, What: "it failed"})
	r.run()
	r.says("10-fork.sh forked")
	if !strings.Contains(r.out(), "it failed") {
		t.Errorf("the next script got %q", r.out())
	}
	for pid := range strings.Lines(testenv.Read(t, filepath.Join(r.dir, "out.pid"))) {
		var n int
		if _, err := fmt.Sscan(pid, &n); err == nil {
			if p, err := os.FindProcess(n); err == nil {
				_ = p.Kill()
			}
		}
	}
}

// The output of a script that floods is cut off.
func TestScriptThatFloods(t *testing.T) {
	r := newRig(t)
	r.script("flood.sh", `head -c 100000 /dev/zero | tr '\0' x; echo; i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; cat >>"$OUT"`)
	r.prepare()
	r.send(Event{Kind: JobFailed, What: "it failed"})
	r.run()
	if n := len(r.said.String()); n > 20_000 {
		t.Errorf("the log has %d bytes", n)
	}
	r.says("xxx...", "line 1\n", "lines more)")
	if !strings.Contains(r.out(), "it failed") {
		t.Errorf("the script got %q", r.out())
	}
}

// A flood of events does not fill the disk, and how many are lost is told.
func TestFloodOfEvents(t *testing.T) {
	r := newRig(t)
	r.script("keep.sh", keep)
	r.prepare()
	const sent = maxSpool + 7
	for i := range sent {
		r.send(Event{Kind: JobFailed, Job: fmt.Sprint(i), What: strings.Repeat("long ", 1000)})
	}
	if n := len(r.spooled()); n != maxSpool {
		t.Errorf("%d events in the spool", n)
	}
	if err := r.RunLast(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := r.out(); strings.Count(got, "\n") != 1 || !strings.Contains(got, `"lost":7`) || !strings.Contains(got, fmt.Sprintf(`"job":"%d"`, maxSpool-1)) || len(got) > maxWhat+500 {
		t.Errorf("the last event is %s", got)
	}
	if n := len(r.spooled()); n != maxSpool-1 {
		t.Errorf("%d events are left", n)
	}
}

func TestDamagedEvents(t *testing.T) {
	r := newRig(t)
	r.script("keep.sh", keep)
	r.prepare()
	dir := Dir(r.Config.RunDir)
	testenv.Write(t, filepath.Join(dir, "1.json"), `{"kind":`, 0o600)
	testenv.Write(t, filepath.Join(dir, toldName), `null`, 0o600)
	r.send(Event{Kind: JobFailed, What: "it failed"})
	r.run()
	r.says("an event cannot be read, and nobody is notified of it: unexpected end of JSON input")
	if len(r.spooled()) > 0 || !strings.Contains(r.out(), "it failed") {
		t.Errorf("spool %v, out %s", r.spooled(), r.out())
	}
}

// An event that a deliverer was told to leave, or was killed over, is told by the next.
func TestDelivererThatEnds(t *testing.T) {
	r := newRig(t)
	r.script("keep.sh", `cat >>"$OUT"; [ -e "$OUT.again" ] || exec sleep 1000`)
	r.prepare()
	r.send(Event{Kind: JobFailed, Job: "a", What: "it failed"})
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := make(chan error)
	go func() { ended <- r.Deliverer.Run(ctx) }()
	testenv.WaitFor(t, "the script is called", func() bool { return r.out() != "" })
	why := errors.New("the container stops")
	cancel(why)
	if err := <-ended; !errors.Is(err, why) || len(r.spooled()) != 1 {
		t.Errorf("error %v, spool %v", err, r.spooled())
	}
	testenv.Write(t, filepath.Join(r.dir, "out.again"), "", 0o600)
	r.run()
	if n := strings.Count(r.out(), "\n"); n != 2 || len(r.spooled()) > 0 {
		t.Errorf("told %d times, spool %v", n, r.spooled())
	}

	// Killed between the record and the removal: it has been told.
	r.send(Event{Kind: JobFailed, Job: "b", What: "it failed"})
	name := r.spooled()[0]
	data := testenv.Read(t, filepath.Join(Dir(r.Config.RunDir), name))
	r.run()
	testenv.Write(t, filepath.Join(Dir(r.Config.RunDir), name), data, 0o600)
	r.now = r.now.Add(2 * time.Hour)
	r.run()
	if n := strings.Count(r.out(), "\n"); n != 3 || len(r.spooled()) > 0 {
		t.Errorf("told %d times, spool %v", n, r.spooled())
	}
}

func TestEventsThatNoLongerHold(t *testing.T) {
	r := newRig(t)
	r.script("keep.sh", keep)
	r.prepare()
	r.Holds = func(_ context.Context, e Event) bool { return e.Kind != ProgramFatal }
	r.send(Event{Kind: ProgramFatal, Program: "a"})
	r.send(Event{Kind: ProgramLoops, Program: "b"})
	r.run()
	if got := r.out(); strings.Contains(got, "fatal") || !strings.Contains(got, "loops") || len(r.spooled()) > 0 {
		t.Errorf("told %s", got)
	}
}

func TestToldIsBounded(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	known := told{"old": {At: now.Add(-2 * time.Hour)}, "counted": {At: now.Add(-2 * time.Hour), Folded: 1}}
	if err := known.write(dir, now, time.Hour); err != nil || len(readTold(dir)) != 1 {
		t.Errorf("error %v, kept %v", err, readTold(dir))
	}
	for i := range 2 * maxTold {
		known[fmt.Sprint(i)] = telling{At: now.Add(time.Duration(i) * time.Millisecond)}
	}
	if err := known.write(dir, now.Add(time.Minute), time.Hour); err != nil || len(readTold(dir)) != maxTold {
		t.Errorf("error %v, %d kept", err, len(readTold(dir)))
	}
	if _, ok := readTold(dir)[fmt.Sprint(2*maxTold-1)]; !ok {
		t.Error("the newest is forgotten")
	}
}
