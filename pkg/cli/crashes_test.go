package cli

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/abrander/go-supervisord"
	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/crashes"
	"github.com/ZPascal/container-manager/pkg/status"
	"github.com/ZPascal/container-manager/test/testenv"
)

// record is what is known of a program's ends.
func (c *container) record(program string) crashes.Record {
	return crashes.Load(c.Path("run"), program)
}

// waitRecord waits until the record of a program is as wanted. Meanwhile it wakes
// supervisord, which otherwise sleeps for a second before it starts a program again.
func (c *container) waitRecord(program, what string, is func(crashes.Record) bool) {
	c.t.Helper()
	testenv.WaitFor(c.t, program+" "+what, func() bool {
		_ = c.client().Touch(c.t.Context())
		return is(c.record(program))
	})
}

// listener is the log of the event listener.
func (c *container) listener() string {
	return testenv.ReadIfThere(c.t, c.Path("storage/logs/supervisor/health_stderr.log"))
}

// looping is a program that ends as soon as it is called RUNNING, for as long as the
// storage says so.
func (c *container) looping(name, end string, options ...string) {
	c.t.Helper()
	script := "while [ -e $STORAGE_BASE_DIR/well ]; do sleep 0.02; done\nsleep 0.05\n" + end
	testenv.Script(c.t, c.Path("image/app", name+".sh"), script)
	c.program(name, append([]string{"command = %(ENV_IMAGE_APP_DIR)s/" + name + ".sh", "autorestart = true"}, options...)...)
}

func TestCrashLoop(t *testing.T) {
	c := newContainer(t, "IMAGE_HEALTH_CRASHES=4/1h", "IMAGE_CRON_ENABLED=false")
	c.looping("app", "exit 3")
	c.looping("fine", "exit 0")
	c.program("other", sleeper)
	c.start()
	for _, name := range []string{"app", "fine"} {
		c.waitRecord(name, "has ended often", func(r crashes.Record) bool { return r.Ends > 6 })
	}
	for _, kind := range []string{"liveness", "readiness"} {
		c.want(1, "app has ended unexpectedly 4 times in 1h0m0s (IMAGE_HEALTH_CRASHES): it exited 3, ", "health", kind)
	}
	code, said := c.exec("status")
	for _, want := range []string{
		`(?m)^app .* started [0-9]+ times: exited 3, [0-9]+s ago, [0-9]+ times in 1h$`,
		`(?m)^fine .* started [0-9]+ times: exited 0 as expected, [0-9]+s ago$`,
		`(?m)^other .* 0 *$`,
	} {
		if code != 0 || !regexp.MustCompile(want).MatchString(said) {
			t.Errorf("exit code %d, status lacks %s:\n%s", code, want, said)
		}
	}
	_, said = c.exec("status", "--json")
	wantSchema(t, said)
	var s status.Report
	if err := json.Unmarshal([]byte(said), &s); err != nil {
		t.Fatal(err)
	}
	if app := s.Programs[0]; app.LastEnd == nil || app.LastEnd.How != "exited 3" || app.LastEnd.Expected || app.LastEnd.Crashes < 4 || app.LastEnd.Seconds != 3600 || app.Starts < app.LastEnd.Crashes {
		t.Errorf("app %+v %+v", app, app.LastEnd)
	}

	// It is told once, to the container's standard error too, and what is held does not count.
	c.life.Says("app loops: it exited 3 and has ended unexpectedly 4 times in 1h0m0s (IMAGE_HEALTH_CRASHES)")
	if said := c.life.Output.String(); strings.Count(said, "app loops: ") != 1 {
		t.Errorf("the container said\n%s", said)
	}
	if said := c.listener(); strings.Count(said, "app loops: it exited 3 and has ended unexpectedly 4 times in 1h0m0s (IMAGE_HEALTH_CRASHES)") != 1 ||
		strings.Count(said, "fine ends again and again: it exited 0 as expected, 4 times in 1h0m0s, and autorestart = true starts it each time; that is not unhealthy") != 1 ||
		strings.Contains(said, "fine loops") {
		t.Errorf("the listener said\n%s", said)
	}
	c.want(0, "", "stop", "app")
	c.want(0, "healthy", "health", "liveness")

	// A new life knows nothing of it.
	c.life.Stop()
	testenv.Write(t, c.Path("storage/well"), "", 0o644)
	c.start()
	c.waitState("app", "RUNNING")
	c.want(0, "healthy", "health", "readiness")
	if r := c.record("app"); r.Ends > 0 {
		t.Errorf("a new life begins with %+v", r)
	}
}

// A listener that was killed goes on with what the former one has recorded, and counts
// no end twice.
func TestCrashesAndAKilledListener(t *testing.T) {
	c := newContainer(t, "IMAGE_HEALTH_CRASHES=3/1h", "IMAGE_CRON_ENABLED=false")
	c.looping("app", "kill -9 $$")
	c.start()
	for ends := 0; ends < 8; ends = c.record("app").Ends {
		c.waitRecord("app", "has ended again", func(r crashes.Record) bool { return r.Ends > ends })
		if listener := c.process("health"); listener.StateName == "RUNNING" {
			_ = unix.Kill(listener.Pid, unix.SIGKILL)
		}
	}
	testenv.Write(t, c.Path("storage/well"), "", 0o644)
	ended := func() int {
		return strings.Count(testenv.Read(t, c.Path("storage/logs/supervisor/supervisord.log")), "exited: app (")
	}
	testenv.WaitFor(t, "all ends are on record", func() bool {
		r := c.record("app")
		return c.process("app").StateName == "RUNNING" && r.Starts > r.Ends && r.Ends == ended()
	})
	if r := c.record("app"); len(r.Crashes) != min(r.Ends, config.MaxRate) || r.Last.String() != "was ended by SIGKILL" {
		t.Errorf("the record is %+v, supervisord tells of %d ends", r, ended())
	}
	// A listener that is killed between its line and its record leaves the line to the next.
	if n := strings.Count(c.listener(), "app loops: "); n < 1 || n > 2 {
		t.Errorf("the loop was told %d times", n)
	}
	for _, name := range testenv.Names(t, c.Path("run/health/programs")) {
		if ext := filepath.Ext(name); ext != ".ends" && !strings.HasPrefix(name, ".") {
			t.Errorf("there is a file %s", name)
		}
	}
}

// What did not begin at all has not ended, whatever the log tells of a former life.
func TestCrashesOfWhatDoesNotBegin(t *testing.T) {
	c := newContainer(t, "IMAGE_CRON_ENABLED=false")
	testenv.Write(t, c.Path("storage/logs/supervisor/supervisord.log"), "2026-03-01 12:00:00,000 WARN exited: none (exit status 3; not expected)\n", 0o644)
	c.program("none", "command = /nowhere/none", "startretries = 0")
	c.program("brief", "command = /bin/false", "startsecs = 100", "startretries = 0")
	c.start()
	c.waitState("none", "FATAL")
	c.waitState("brief", "FATAL")
	testenv.WaitFor(t, "the end is on record", func() bool { return c.record("brief").Ends == 1 })
	c.want(0, "started once: exited 1 before its startsecs, ", "status")
	if r := c.record("none"); r.Ends > 0 {
		t.Errorf("what did not begin has ended: %+v", r)
	}
	if r := c.record("brief"); len(r.Crashes) > 0 {
		t.Errorf("what supervisord counts itself is a crash: %+v", r)
	}
}

// The line that says how the start went does not count what ends as soon as it is up,
// nor what was to run once and has failed.
func TestSummaryOfCrashes(t *testing.T) {
	c := newContainer(t, "IMAGE_CRON_ENABLED=false")
	testenv.Script(t, c.Path("image/app/app.sh"), "exit 3")
	c.program("app", "command = %(ENV_IMAGE_APP_DIR)s/app.sh", "autorestart = true")
	c.program("once", "command = /bin/false", "autorestart = false")
	c.program("done", "command = /bin/true", "autorestart = false")
	c.program("other", sleeper)
	c.start()
	c.life.Says("2 programs are running, ")
	c.life.Says("; not up: app ")
	c.life.Says("once EXITED (Bad exit code 1")
	if said := c.life.Output.String(); strings.Contains(said, "done EXITED") {
		t.Errorf("it said\n%s", said)
	}
}

func TestDoesNotStayUp(t *testing.T) {
	tree := testenv.NewTree(t)
	run := tree.Path("run")
	testenv.Write(t, tree.Path("run/health/programs/often.ends"), `{"ends":2,"last":{"at":"2026-03-01T12:00:00Z","known":true,"status":3}}`, 0o600)
	testenv.Write(t, tree.Path("run/health/programs/once.ends"), `{"ends":1,"last":{"at":"2026-03-01T12:00:00Z","known":true,"status":4}}`, 0o600)
	const now = 1000
	for _, test := range []struct {
		p    supervisord.ProcessInfo
		want string
	}{
		{supervisord.ProcessInfo{Name: "often", State: supervisord.StateRunning, Stop: now - 1, Start: now - 1}, " (exited 3, "},
		{supervisord.ProcessInfo{Name: "once", State: supervisord.StateRunning, Stop: now - 1, Start: now - 1}, " (exited 4, "},
		{supervisord.ProcessInfo{Name: "often", State: supervisord.StateExited, Stop: now, SpawnErr: "Bad exit code 3"}, " (exited 3, "},
		// It lasts, has ended once and is not started again, or has done its work.
		{supervisord.ProcessInfo{Name: "often", State: supervisord.StateRunning, Stop: now - 3, Start: now - 3}, ""},
		{supervisord.ProcessInfo{Name: "once", State: supervisord.StateExited, Stop: now, SpawnErr: "Bad exit code 4"}, ""},
		{supervisord.ProcessInfo{Name: "often", State: supervisord.StateExited, Stop: now}, ""},
		{supervisord.ProcessInfo{Name: "none", State: supervisord.StateRunning, Start: now}, ""},
	} {
		test.p.Group, test.p.Now = test.p.Name, now
		if got := doesNotStayUp(run, test.p); !strings.HasPrefix(got, test.want) || (got == "") != (test.want == "") {
			t.Errorf("%s, %d: %q, want %q", test.p.Name, test.p.State, got, test.want)
		}
	}
}
