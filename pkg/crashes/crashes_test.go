package crashes

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/events"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/stopmark"
	"github.com/ZPascal/container-manager/test/testenv"
)

// rig is a keeper whose clock a test sets, and what it logs.
type rig struct {
	t      *testing.T
	keeper *Keeper
	now    time.Time
	pid    int
	log    strings.Builder
}

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newRig(t *testing.T, limit config.Rate) *rig {
	r := &rig{t: t, now: start, pid: 100}
	dir := t.TempDir()
	testenv.Mkdir(t, filepath.Join(dir, "health/programs"))
	r.keeper = &Keeper{
		RunDir: dir, Now: func() time.Time { return r.now }, Log: log.New(&r.log, log.Options{}),
		Settings: func() Settings { return Settings{Limit: limit, LogFile: filepath.Join(dir, "supervisord.log")} },
	}
	return r
}

// event hands the keeper an event about a program of a group.
func (r *rig) event(state string, payload ...string) {
	p := map[string]string{"processname": "web", "groupname": "site"}
	for _, field := range payload {
		key, value, _ := strings.Cut(field, ":")
		p[key] = value
	}
	r.keeper.Handle(events.Event{Name: "PROCESS_STATE_" + state, Payload: p})
}

// crash has the program end unexpectedly with a status, and start again.
func (r *rig) crash(status int) {
	r.pid++
	r.logs(fmt.Sprintf("WARN exited: web (exit status %d; not expected)", status))
	r.event("EXITED", "expected:0", fmt.Sprint("pid:", r.pid))
	r.event("STARTING", "from_state:EXITED")
}

func (r *rig) logs(line string) {
	r.t.Helper()
	f, err := os.OpenFile(filepath.Join(r.keeper.RunDir, "supervisord.log"), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		r.t.Fatal(err)
	}
	defer f.Close()
	fmt.Fprintf(f, "%s %s\n", r.now.Format("2006-01-02 15:04:05,000"), line)
}

func (r *rig) load() Record { return Load(r.keeper.RunDir, "site:web") }

func (r *rig) wantText(want string) {
	r.t.Helper()
	if got := r.load().Text(r.now, 5*time.Minute); got != want {
		r.t.Errorf("the record says %q, want %q", got, want)
	}
}

func TestLoopIsToldOnce(t *testing.T) {
	limit := config.Rate{Count: 3, Within: time.Minute}
	r := newRig(t, limit)
	r.event("STARTING")
	if files := testenv.Names(t, filepath.Join(r.keeper.RunDir, "health/programs")); len(files) > 0 {
		t.Errorf("a start alone writes %q", files)
	}
	told := func(want int) {
		t.Helper()
		if got := strings.Count(r.log.String(), "site:web loops: it exited 4 and has ended unexpectedly 3 times in 1m0s"); got != want {
			t.Errorf("the log tells %d times of a loop, want %d:\n%s", got, want, r.log.String())
		}
	}
	for i := range 10 {
		r.now = r.now.Add(time.Second)
		r.crash(4)
		told(min(1, (i+1)/limit.Count))
	}
	r.wantText("exited 4, 0s ago, 10 times in 5m")
	if got := r.load(); got.Starts != 11 || got.Ends != 10 || !got.Loops(r.now, limit) {
		t.Errorf("the record is %+v", got)
	}
	// It stays up for a while, and loops again.
	r.now = r.now.Add(10 * time.Minute)
	if r.load().Loops(r.now, limit) {
		t.Error("it loops, and has not ended for ten minutes")
	}
	r.wantText("exited 4, 10m ago")
	for range 4 {
		r.crash(4)
	}
	told(2)
}

func TestEndsThatAreNoCrashes(t *testing.T) {
	r := newRig(t, config.Rate{Count: 2, Within: time.Hour})
	for i := range 5 {
		r.now = r.now.Add(time.Second)
		r.logs("INFO exited: web (exit status 0; expected)")
		r.event("EXITED", "expected:1", fmt.Sprint("pid:", i))
	}
	r.wantText("exited 0 as expected, 0s ago")
	for range 5 {
		r.now = r.now.Add(time.Second)
		r.logs("WARN exited: web (terminated by SIGSEGV (core dumped); not expected)")
		r.event("BACKOFF", "tries:1")
	}
	r.wantText("was ended by SIGSEGV before its startsecs, 0s ago")
	for _, state := range []string{"RUNNING", "STOPPING", "STOPPED", "FATAL"} {
		r.event(state)
	}
	// A backup has it stopped.
	if err := stopmark.Hold(r.keeper.RunDir, "site:web", stopmark.Backup); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		r.crash(1)
	}
	if got := r.load(); len(got.Crashes) > 0 || got.Ends != 15 || r.log.Len() > 0 {
		t.Errorf("the record is %+v, the log\n%s", got, r.log.String())
	}
}

// A program that has nothing to do, and one that is a job, end alike: the log tells once.
func TestExpectedEndsThatLeadToStarts(t *testing.T) {
	r := newRig(t, config.Rate{Count: 3, Within: time.Minute})
	settings := r.keeper.Settings()
	r.keeper.Settings = func() Settings {
		settings.StartsAgain = func(program string) bool { return program == "site:web" }
		return settings
	}
	for range 6 {
		r.now = r.now.Add(10 * time.Second)
		r.pid++
		r.event("EXITED", "expected:1", fmt.Sprint("pid:", r.pid))
		r.event("EXITED", "expected:1", fmt.Sprint("pid:", r.pid), "processname:job")
	}
	const want = "site:web ends again and again: it ended as expected, 3 times in 1m0s, and autorestart = true starts it each time; that is not unhealthy"
	if said := r.log.String(); strings.Count(said, want) != 1 || strings.Contains(said, "job") {
		t.Errorf("it said\n%s", said)
	}
	if got := r.load(); got.Loops(r.now, settings.Limit) || len(got.Finished) != 3 {
		t.Errorf("the record is %+v", got)
	}
	r.now = r.now.Add(time.Hour) // it has stayed up in between
	for range 3 {
		r.pid++
		r.event("EXITED", "expected:1", fmt.Sprint("pid:", r.pid))
	}
	if said := r.log.String(); strings.Count(said, want) != 2 {
		t.Errorf("it said\n%s", said)
	}
}

// supervisord sends an event again that was not answered, and says of what it cannot
// begin what it says of what ends too soon.
func TestNothingIsCountedTwice(t *testing.T) {
	r := newRig(t, config.Rate{})
	r.logs("WARN exited: web (exit status 9; not expected)")
	r.logs("INFO supervisord started with pid 1")
	r.event("BACKOFF")
	r.crash(3)
	again := &Keeper{RunDir: r.keeper.RunDir, Now: r.keeper.Now, Log: r.keeper.Log, Settings: r.keeper.Settings}
	r.keeper = again
	r.event("EXITED", "expected:0", fmt.Sprint("pid:", r.pid))
	r.event("BACKOFF")
	if got := r.load(); got.Ends != 1 || len(got.Crashes) != 1 {
		t.Errorf("the record is %+v", got)
	}
	r.wantText("exited 3, 0s ago")
	r.logs("WARN stopped: web (terminated by SIGTERM)")
	r.event("BACKOFF")
	r.wantText("exited 3, 0s ago")
}

func TestRecordIsBounded(t *testing.T) {
	r := newRig(t, config.Rate{Count: config.MaxRate, Within: time.Hour})
	for range 3 * config.MaxRate {
		r.crash(1)
	}
	if got := r.load(); len(got.Crashes) != config.MaxRate || !got.Told {
		t.Errorf("%d crashes are kept", len(got.Crashes))
	}
	r.wantText("exited 1, 0s ago, 100 times and more in 5m")
}

// Without supervisord's log, and with a clock that was set back.
func TestUnknownEnds(t *testing.T) {
	r := newRig(t, config.Rate{Count: 1, Within: time.Minute})
	r.event("EXITED", "expected:0", "pid:7")
	r.wantText("ended, 0s ago")
	r.now = r.now.Add(-time.Hour)
	if got := r.load(); got.Loops(r.now, config.Rate{Count: 1, Within: time.Minute}) {
		t.Errorf("an end to come counts: %+v", got)
	}
	r.wantText("ended, 0s ago")
}

func TestDamagedRecord(t *testing.T) {
	for _, content := range []string{"", "{", "[]", `{"starts":-1}`, `{"ends":"many"}`, "\x00"} {
		dir := t.TempDir()
		testenv.Write(t, path(dir, "app"), content, 0o600)
		if r := Load(dir, "app"); r.Last != nil || r.Ends != 0 || r.Starts != 0 {
			t.Errorf("%q: %+v", content, r)
		}
	}
}

func TestRecordThatCannotBeWritten(t *testing.T) {
	r := newRig(t, config.Rate{})
	if err := os.RemoveAll(filepath.Join(r.keeper.RunDir, "health")); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		r.crash(1)
	}
	if said := r.log.String(); strings.Count(said, "the end of site:web is not on record: cannot write ") != 1 {
		t.Errorf("it said\n%s", said)
	}
}
