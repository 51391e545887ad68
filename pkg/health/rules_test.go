package health

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/abrander/go-supervisord"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/stopmark"
	"github.com/ZPascal/container-manager/test/supervisordtest"
	"github.com/ZPascal/container-manager/test/testenv"
)

func TestThreshold(t *testing.T) {
	r := newRunningRig(t)
	r.config.HealthFailures = 3
	r.probe("check-app.sh", "[ -e DIR/well ]")
	for _, want := range []int{1, 1} {
		r.check(Readiness)
		r.wantSpawned("app", want)
	}
	// A success in between begins the count anew.
	testenv.Write(t, filepath.Join(r.server.Dir, "well"), "", 0o644)
	if !r.check(Readiness) {
		t.Error("it does not pass")
	}
	must(t, os.Remove(filepath.Join(r.server.Dir, "well")))
	for _, want := range []int{1, 1, 2} {
		r.check(Readiness)
		r.wantSpawned("app", want)
	}
	// And so does a restart.
	r.age("app")
	r.check(Readiness)
	r.wantSpawned("app", 2)
	if result := readResults(r.config, Readiness)["check-app.sh"]; result.Failures != 1 || result.Healthy {
		t.Errorf("result %+v, want the first failure", result)
	}
}

func TestGrace(t *testing.T) {
	r := newRunningRig(t)
	r.config.HealthGrace = config.Duration(time.Hour)
	r.probe("check-app.sh", "exit 1")
	if r.check(Readiness) {
		t.Error("it passes")
	}
	r.wantSpawned("app", 1)
	r.now = func() time.Time { return time.Now().Add(time.Hour) }
	r.check(Readiness)
	r.wantSpawned("app", 2)
}

func TestTwoChecksAtATime(t *testing.T) {
	r := newRunningRig(t)
	r.probe("check-app.sh", "exit 1")
	r.probe("check-app.py", "exit 1") // another probe of the same program
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if healthy, err := r.checking(t.Context(), Readiness); healthy || err != nil {
				t.Errorf("healthy %v, error %v", healthy, err)
			}
		})
	}
	wg.Wait()
	r.wantSpawned("app", 2)
	r.wantSpawned("other", 1)
}

func TestProbeThatRestartsItsProgramItself(t *testing.T) {
	r := newRunningRig(t)
	r.config.HealthTimeout = config.Duration(5 * time.Minute) // on a busy machine it takes its time
	r.probe("check-app.py", "/usr/bin/supervisorctl -s unix://DIR/sock restart app; exit 1")
	if r.check(Readiness) {
		t.Error("it passes")
	}
	r.wantSpawned("app", 2)
	r.wantLog("app was started anew while its probe ran: left alone")
}

func TestFlappingProbe(t *testing.T) {
	r := newRunningRig(t)
	r.probe("check-app.sh", "exit 1")
	begin := time.Now()
	for i := range 30 { // as if they came a second after one another
		r.now = func() time.Time { return begin.Add(time.Duration(i) * time.Second) }
		r.check(Readiness)
		r.age("app")
	}
	// After 0, 2, 6 and 14 seconds; what the restarts took counts on top.
	if n := r.spawned("app") - 1; n < 3 || n > 5 {
		t.Errorf("%d restarts in 30 seconds; the log:\n%s", n, r.log.String())
	}
	r.wantLog("times in a row: not again before")
}

func TestHeldProgramIsNotStarted(t *testing.T) {
	r := newRunningRig(t)
	r.probe("check-app.sh", "exit 1")
	p := r.programs()
	must(t, p.StopForGood(t.Context(), "app"))
	r.check(Readiness)
	if got := r.process("app").StateName; got != "STOPPED" {
		t.Errorf("a check has made app %s", got)
	}
	r.wantLog("app is held stopped (container-manager stop): container-manager start starts it: left alone")
	must(t, p.StartAgain(t.Context(), "app"))
	if got := r.process("app").StateName; got != "RUNNING" {
		t.Errorf("app is %s after its start", got)
	}
	r.age("app")
	r.check(Readiness)
	r.wantSpawned("app", 3)

	// A backup's mark has a process behind it, and so long nobody starts it.
	must(t, p.Stop(t.Context(), "app"))
	must(t, stopmark.Hold(r.config.RunDir, "app", stopmark.Backup))
	r.check(Readiness)
	r.wantSpawned("app", 3)
	for _, err := range []error{
		p.StartAgain(t.Context(), "app"), p.StopForGood(t.Context(), "app"),
		p.Restart(t.Context(), Request{Names: []string{"app"}, Why: "a person"}),
	} {
		if !errors.Is(err, ErrLeftAlone) || !strings.Contains(err.Error(), "(backup)") {
			t.Errorf("error %v, want ErrLeftAlone", err)
		}
	}
	r.wantSpawned("app", 3)
}

func TestLivenessOfAHeldProgram(t *testing.T) {
	r := newRunningRig(t)
	testenv.Script(t, filepath.Join(r.config.LivenessDir, "check-app.sh"), "exit 1")
	must(t, r.programs().StopForGood(t.Context(), "app"))
	if !r.check(Liveness) {
		t.Error("that a held program does not live is a failure")
	}
	r.wantSpawned("app", 1)
	// Nor is it one when the program runs again and the next check is yet to come.
	must(t, r.programs().StartAgain(t.Context(), "app"))
	if result := readResults(r.config, Liveness)["check-app.sh"]; !result.Healthy {
		t.Errorf("result %+v", result)
	}
}

func TestStates(t *testing.T) {
	r := newRig(t, `
[program:stopped]
command = /bin/sleep 1000
autostart = false
startsecs = 0
[program:exited]
command = /bin/sh -c "[ -e DIR/stay ] && exec sleep 1000"
startsecs = 0
autorestart = false
exitcodes = 1
[program:fatal]
command = /bin/sh -c "[ -e DIR/stay ] && exec sleep 1000"
startretries = 0
[program:starting]
command = /bin/sleep 1000
startsecs = 1000
[program:backoff]
command = /bin/sh -c "exit 1"
startretries = 1000
`)
	names := []string{"stopped", "exited", "fatal", "starting", "backoff"}
	spawned := map[string]int{}
	for _, name := range names {
		r.probe("check-"+name+".sh", "exit 1")
		r.waitState(name, strings.ToUpper(name))
	}
	for _, name := range []string{"exited", "fatal"} {
		r.age(name)
	}
	testenv.Write(t, filepath.Join(r.server.Dir, "stay"), "", 0o644)
	for _, name := range names {
		spawned[name] = r.spawned(name)
	}
	r.check(Readiness)
	for _, name := range []string{"stopped", "exited", "fatal"} {
		r.wantSpawned(name, spawned[name]+1)
		if got := r.process(name).StateName; got != "RUNNING" {
			t.Errorf("%s is %s", name, got)
		}
	}
	r.wantSpawned("starting", 1)
	r.wantLog("starting is STARTING: supervisord is at it: left alone")
	r.wantLog("backoff is BACKOFF: supervisord is at it: left alone")
}

func TestCorruptFiles(t *testing.T) {
	r := newRunningRig(t)
	r.config.HealthFailures = 2
	r.probe("check-app.sh", "exit 1")
	for _, content := range []string{"", "{", "null", "[]", `{"check-app.sh":{"probe":"check-app.sh","failures":"many"}}`, `{"check-app.sh":{"probe":"check-app.sh","failures":1}}`, `{"restarts":-1}`, strings.Repeat("x", 1<<20), "\x00\xff"} {
		testenv.Write(t, resultPath(r.config, Readiness), content, 0o600)
		testenv.Write(t, recordPath(r.config, "app"), content, 0o600)
		if !reflect.DeepEqual(ReadRecord(r.config, "app"), Record{}) {
			t.Errorf("%.20q is a record", content)
		}
		if known := readResults(r.config, Readiness); len(known) > 0 {
			t.Errorf("%.20q are results: %v", content, known)
		}
		r.check(Readiness) // the first failure of two
		r.wantSpawned("app", 1)
	}
	must(t, os.RemoveAll(filepath.Join(r.config.RunDir, "health")))
	r.config.HealthFailures = 1
	r.check(Readiness)
	r.wantSpawned("app", 2)
}

func TestResultsThatCannotBeKept(t *testing.T) {
	r := newRunningRig(t)
	testenv.Write(t, filepath.Join(r.config.RunDir, "health"), "in the way", 0o644)
	r.probe("check-app.sh", "exit 0")
	if !r.check(Readiness) {
		t.Error("it does not pass")
	}
	r.wantLog("the results of the probes are not kept")
}

func TestWithoutSupervisord(t *testing.T) {
	r := rigOf(t, supervisordtest.New(t, ""))
	r.probe("check-app.sh", "exit 0")
	if !r.check(Readiness) {
		t.Error("it does not pass")
	}
	r.probe("check-app.sh", "exit 1")
	if r.check(Readiness) {
		t.Error("it passes")
	}
	r.wantLog("cannot restart app: supervisord does not run: nothing listens at")
}

func TestBase(t *testing.T) {
	r := newRig(t, `
[program:crond]
command = /bin/sleep 1000
startsecs = 0
autorestart = false
[program:filebeat]
command = /bin/sleep 1000
startsecs = 0
autostart = false
`)
	testenv.Write(t, filepath.Join(r.config.LivenessDir, "check-base.py"), "#!/usr/bin/container-manager script\n", 0o755)
	r.waitState("crond", "RUNNING")
	r.age("crond")
	if !r.check(Liveness) {
		t.Error("it does not pass")
	}
	must(t, unix.Kill(r.process("crond").Pid, unix.SIGKILL))
	r.waitState("crond", "EXITED")
	r.config.RedisHost = "redis"
	if r.check(Liveness) {
		t.Error("it passes")
	}
	for _, name := range []string{"crond", "filebeat"} {
		if got := r.process(name).StateName; got != "RUNNING" {
			t.Errorf("%s is %s", name, got)
		}
	}
	r.wantLog("check-base.py failed: crond is EXITED; filebeat is STOPPED")
	if !r.check(Liveness) {
		t.Error("it does not pass")
	}
	r.config.CronEnabled, r.config.RedisHost = false, ""
	must(t, r.client.Stop(t.Context(), supervisord.ProcessInfo{Name: "crond", Group: "crond"}))
	must(t, r.client.Stop(t.Context(), supervisord.ProcessInfo{Name: "filebeat", Group: "filebeat"}))
	if !r.check(Liveness) {
		t.Error("it wants what is switched off")
	}
	r.wantSpawned("crond", 2)
	r.wantSpawned("filebeat", 1)
}
