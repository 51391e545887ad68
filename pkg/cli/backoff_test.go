package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/abrander/go-supervisord"
	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/backoff"
	"github.com/ZPascal/container-manager/pkg/crashes"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/startorder"
	"github.com/ZPascal/container-manager/pkg/status"
	"github.com/ZPascal/container-manager/pkg/stopmark"
	"github.com/ZPascal/container-manager/test/testenv"
)

// sickly adds a program that lives until the storage says that it is sick.
func (c *container) sickly(name, end string, options ...string) {
	c.t.Helper()
	testenv.Script(c.t, c.Path("image/app", name+".sh"), "while [ ! -e $STORAGE_BASE_DIR/sick-"+name+" ]; do sleep 0.02; done\n"+end)
	c.program(name, append([]string{"command = %(ENV_IMAGE_APP_DIR)s/" + name + ".sh"}, options...)...)
}

func (c *container) sick(name string) { testenv.Write(c.t, c.Path("storage/sick-"+name), "", 0o644) }

func (c *container) well(name string) {
	if err := os.Remove(c.Path("storage/sick-" + name)); err != nil {
		c.t.Fatal(err)
	}
}

// killListener kills the event listener and waits for its successor.
func (c *container) killListener() {
	c.t.Helper()
	former := c.waitState("health", "RUNNING").Pid
	if err := unix.Kill(former, unix.SIGKILL); err != nil {
		c.t.Fatal(err)
	}
	testenv.WaitFor(c.t, "there is another listener", func() bool { p := c.process("health").Pid; return p != 0 && p != former })
}

// pauseLong has the next pause of a program be an hour, as after many ends.
func (c *container) pauseLong(name string) {
	c.t.Helper()
	if err := (backoff.Record{InARow: 20}).Write(c.Path("run"), name); err != nil {
		c.t.Fatal(err)
	}
	c.killListener()
}

// waitPause waits until a program has ended and is in its pause. A new listener asks
// supervisord, and may know that before it hears how the program has ended.
func (c *container) waitPause(name string) {
	c.t.Helper()
	testenv.WaitFor(c.t, name+" is in its pause", func() bool {
		_, ok := backoff.Of(c.Path("run"), c.process(name))
		return ok && crashes.Load(c.Path("run"), name).Last != nil
	})
}

// spawnsMore waits until supervisord has started a program some more times.
func (c *container) spawnsMore(name string, times int) {
	c.t.Helper()
	before := c.spawned(name)
	testenv.WaitFor(c.t, name+" was started again", func() bool {
		_ = c.client().Touch(c.t.Context())
		return c.spawned(name) >= before+times
	})
}

func TestRestartBackoff(t *testing.T) {
	c := newContainer(t, "IMAGE_RESTART_BACKOFF=1h", "IMAGE_CRON_ENABLED=false")
	c.sickly("app", "exit 3", "autorestart = true")
	testenv.Script(t, c.Path("image/health/readiness.probes.d/check-app.sh"), "[ ! -e $STORAGE_BASE_DIR/sick-app ]")
	c.program("done", "command = /bin/true", "exitcodes = 0")
	c.program("once", "command = /bin/false", "autorestart = false")
	c.start()
	c.waitState("app", "RUNNING")
	c.pauseLong("app")
	c.sick("app")
	c.waitPause("app")
	c.waitState("app", "EXITED")
	// A listener that has just begun sees the end before supervisord tells it.
	c.waitRecord("app", "has ended", func(r crashes.Record) bool { return r.Last != nil })
	const paused = `app exited 3, [0-9]+s ago, and starts again in (1h0m0s|59m[0-9]+s) \(IMAGE_RESTART_BACKOFF\)`
	for _, kind := range []string{"liveness", "readiness"} { // it has ended more often than IMAGE_HEALTH_CRASHES says
		if code, said := c.exec("health", kind); code != 1 || !regexp.MustCompile(paused).MatchString(said) || strings.Count(said, "app ") != 1 {
			t.Errorf("%s: exit code %d, it said\n%s", kind, code, said)
		}
	}
	c.want(1, "(IMAGE_RESTART_BACKOFF): left alone", "check-readiness")
	if _, said := c.exec("status"); !regexp.MustCompile(`(?m)^app +EXITED .* starts again in (1h0m0s|59m[0-9]+s) `).MatchString(said) {
		t.Errorf("status said\n%s", said)
	}
	_, said := c.exec("status", "--json")
	var s status.Report
	if err := json.Unmarshal([]byte(said), &s); err != nil || s.Programs[0].Next == nil || time.Until(*s.Programs[0].Next) < 50*time.Minute {
		t.Errorf("%v, status said\n%s", err, said)
	}
	// A hand ends the pause, and the listener's death does not.
	c.killListener()
	c.waitPause("app")
	c.well("app")
	for _, start := range []func(){
		func() { c.want(0, "", "restart", "app") },
		func() { c.want(0, "", "start", "app") },
		func() { c.supervisorctl("start", "app") },
	} {
		start()
		c.waitState("app", "RUNNING")
		testenv.WaitFor(t, "the pause is over", func() bool { return backoff.Load(c.Path("run"), "app").Next.IsZero() })
		c.want(0, "healthy", "health", "liveness")
		c.sick("app")
		c.waitPause("app")
		c.well("app")
	}
	if n := c.spawned("done") + c.spawned("once"); n != 2 {
		t.Errorf("what has ended for good was started %d times", n)
	}
	// What a person holds does not start again.
	c.want(0, "", "stop", "app")
	c.want(0, "healthy", "health", "liveness")
	c.want(0, "is held stopped", "status")
	c.want(0, "", "start", "app")
	c.waitState("app", "RUNNING")
}

// Started by hand in its pause, a program ends as expected: nobody starts it again, so it
// waits for nothing.
func TestRestartBackoffThatAnExpectedEndEnds(t *testing.T) {
	c := newContainer(t, "IMAGE_RESTART_BACKOFF=1h", "IMAGE_CRON_ENABLED=false")
	c.sickly("app", "[ -e $STORAGE_BASE_DIR/done ] || exit 3", "autorestart = unexpected", "startsecs = 0")
	c.start()
	c.waitState("app", "RUNNING")
	c.pauseLong("app")
	c.sick("app")
	c.waitPause("app")
	testenv.Write(t, c.Path("storage/done"), "", 0o644)
	c.supervisorctl("start", "app") // it is still sick, and ends at once
	testenv.WaitFor(t, "nothing waits for app any more", func() bool {
		p := c.process("app")
		_, paused := backoff.Of(c.Path("run"), p)
		return p.StateName == "EXITED" && p.SpawnErr == "" && !paused
	})
	c.want(0, "healthy", "health", "readiness")
}

// Pauses of a moment: programs are started again for ever, as supervisord does it.
func TestRestartBackoffStartsAgain(t *testing.T) {
	c := newContainer(t, "IMAGE_RESTART_BACKOFF=10ms", "IMAGE_CRON_ENABLED=false", "IMAGE_HEALTH_CRASHES=0")
	c.looping("app", "exit 3", "depends_on = other")
	c.looping("fine", "exit 0")
	c.looping("many", "kill -9 $$", "numprocs = 2", "process_name = many_%(process_num)d")
	c.program("other", sleeper)
	testenv.Write(t, c.Path("image/supervisord/conf.d/zz.conf"), "[group:all]\nprograms = app, fine\n", 0o644)
	c.start()
	for range 2 {
		for _, name := range []string{"app", "fine", "many_0", "many_1"} {
			c.spawnsMore(name, 3)
		}
		c.killListener()
	}
	c.supervisorctl("reload")
	for _, name := range []string{"app", "fine", "many_1"} {
		c.spawnsMore(name, 3)
	}
	if r := backoff.Load(c.Path("run"), "all:fine"); r.InARow < 6 {
		t.Errorf("the record is %+v", r)
	}
	// What supervisorctl stops stays so.
	testenv.Write(t, c.Path("storage/well"), "", 0o644)
	testenv.WaitFor(t, "app is stopped", func() bool { // while it has ended, it cannot be
		if c.process("app").StateName == "RUNNING" {
			_ = c.Command("supervisorctl", "-c", c.Path("run/supervisord/global.conf"), "stop", "all:app").Run()
		}
		return c.process("app").StateName == "STOPPED"
	})
	if err := os.Remove(c.Path("storage/well")); err != nil {
		t.Fatal(err)
	}
	c.spawnsMore("fine", 3)
	if p := c.process("app"); p.StateName != "STOPPED" {
		t.Errorf("app is %s", p.StateName)
	}
	if status := c.life.Stop(); status != 0 {
		t.Errorf("it ended with %d", status)
	}
}

// While a backup holds a program, nobody starts it.
func TestRestartBackoffOfWhatIsHeld(t *testing.T) {
	c := newContainer(t, "IMAGE_RESTART_BACKOFF=10ms", "IMAGE_CRON_ENABLED=false")
	c.sickly("app", "exit 3", "autorestart = true")
	c.looping("other", "exit 3")
	c.start()
	c.waitState("app", "RUNNING")
	if err := stopmark.Hold(c.Path("run"), "app", stopmark.Backup); err != nil {
		t.Fatal(err)
	}
	c.sick("app")
	c.waitPause("app")
	c.spawnsMore("other", 3)
	if n := c.spawned("app"); n != 1 {
		t.Errorf("app was started %d times", n)
	}
	c.well("app")
	if err := c.client().Start(t.Context(), c.process("app")); err != nil {
		t.Fatal(err)
	}
	if err := stopmark.Release(c.Path("run"), "app"); err != nil {
		t.Fatal(err)
	}
	c.waitState("app", "RUNNING")
}

// A backup stops what is in its pause, too: it could start in the middle of it.
func TestRestartBackoffAndABackup(t *testing.T) {
	c := newContainer(t, "IMAGE_RESTART_BACKOFF=1h", "IMAGE_CRON_ENABLED=false", "IMAGE_BACKUP_STOP_PROGRAMS=app")
	c.sickly("app", "exit 3", "autorestart = true")
	c.start()
	c.waitState("app", "RUNNING")
	c.pauseLong("app")
	c.sick("app")
	c.waitPause("app")
	c.well("app")
	c.want(0, "", "backup")
	c.waitState("app", "RUNNING")
}

// A program in its pause has not ended for good, so the container does not end. It ends
// when the program loops, and with what does end for good.
func TestRestartBackoffOfAnEssentialProgram(t *testing.T) {
	c := newEssentialContainer(t, "[ ! -e $STORAGE_BASE_DIR/sick ] || exit 3\n"+untilSick+"exit 3", "autorestart = true")
	c.Setenv("IMAGE_RESTART_BACKOFF=1h", "IMAGE_HEALTH_CRASHES=3/1h")
	c.start()
	c.waitState("app", "RUNNING")
	c.pauseLong("app")
	for n := range 2 {
		testenv.Write(t, c.Path("storage/sick"), "", 0o644)
		c.waitPause("app")
		// A start that comes before the listener knows of the end hides it.
		testenv.WaitFor(t, "the end is on record", func() bool { return len(crashes.Load(c.Path("run"), "app").Crashes) > n })
		if err := os.Remove(c.Path("storage/sick")); err != nil {
			t.Fatal(err)
		}
		c.want(0, "", "start", "app")
		c.waitState("app", "RUNNING")
	}
	testenv.Write(t, c.Path("storage/sick"), "", 0o644)
	c.wantHonestEnd(12, "app has ended unexpectedly 3 times in 1h0m0s (IMAGE_HEALTH_CRASHES), it exited 3: the container ends with status 12")
}

func TestRestartBackoffOfTheMainProgram(t *testing.T) {
	c := newContainer(t, "IMAGE_RESTART_BACKOFF=10ms", "IMAGE_CRON_ENABLED=false", "IMAGE_MAIN_PROGRAM=app")
	testenv.Script(t, c.Path("image/app/app.sh"), `sleep 0.05; echo >>$STORAGE_BASE_DIR/runs; [ $(wc -l <$STORAGE_BASE_DIR/runs) -lt 4 ] && exit 3; exit 7`)
	c.program("app", "command = %(ENV_IMAGE_APP_DIR)s/app.sh", "exitcodes = 7")
	c.start()
	if status := c.life.End(); status != 7 || c.spawned("app") != 4 {
		t.Errorf("it ended with %d after %d starts", status, c.spawned("app"))
	}
}

// The summary is of one moment: in the next the same program may run.
func TestRestartBackoffInTheSummary(t *testing.T) {
	dir := testenv.Dir(t)
	testenv.Mkdir(t, filepath.Join(dir, "health", "programs"))
	if err := (backoff.Record{InARow: 4, Next: time.Now().Add(30 * time.Minute)}).Write(dir, "app"); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	l := log.New(&said, log.Options{})
	summarise(l, dir, []supervisord.ProcessInfo{
		{Name: "app", Group: "app", State: supervisord.StateExited, StateName: "EXITED", SpawnErr: "unexpected exit", StderrLogfile: "/app.log"},
		{Name: "db", Group: "db", State: supervisord.StateRunning, StateName: "RUNNING"},
	}, startorder.Record{}, 2*time.Second)
	want := regexp.MustCompile(`ERROR\t 1 program is running, 2\.00 s after the start; not up: app EXITED \(unexpected exit, see /app\.log\), starts again in (30m0s|29m[0-9]+s) \(IMAGE_RESTART_BACKOFF\)\n`)
	if !want.MatchString(said.String()) {
		t.Errorf("it said\n%s", said.String())
	}
}
