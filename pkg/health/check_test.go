package health

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/internal/supervisordtest"
	"github.com/ZPascal/container-manager/internal/testenv"
	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/held"
)

const twoPrograms = `
[program:app]
command = /bin/sleep 1000
startsecs = 0
[program:other]
command = /bin/sleep 1000
startsecs = 0
`

// newRunningRig has two programs that run, and were not started this second.
func newRunningRig(t *testing.T) *rig {
	t.Helper()
	r := newRig(t, twoPrograms)
	r.waitState("app", "RUNNING")
	r.waitState("other", "RUNNING")
	r.age("app")
	return r
}

func TestPassingProbe(t *testing.T) {
	r := newRunningRig(t)
	r.probe("check-app.sh", "echo one; echo 'two;three'; echo four >&2")
	if !r.check(Readiness) {
		t.Error("it does not pass")
	}
	r.wantSpawned("app", 1)
	for _, message := range []string{"one", "two", "three", "four"} {
		r.wantLog("INFO\tcheck-app.sh " + message + "\n")
	}
	result, ok := readResults(r.config, Readiness)["check-app.sh"]
	if !ok || !result.Healthy || result.Failures != 0 || result.Program != "app" {
		t.Errorf("result %+v, %v", result, ok)
	}
	if mode := testenv.Mode(t, resultPath(r.config, Readiness)); mode != 0o600 {
		t.Errorf("the result's mode is %v: it quotes output", mode)
	}
}

func TestFailingProbeRestartsItsProgramOnly(t *testing.T) {
	r := newRunningRig(t)
	r.probe("check-app.sh", "echo is not well; exit 3")
	r.probe("check-other.sh", "exit 0")
	if r.check(Readiness) {
		t.Error("it passes")
	}
	r.wantSpawned("app", 2)
	r.wantSpawned("other", 1)
	r.wantLog("INFO\tcheck-app.sh is not well\n")
	r.wantLog("ERROR\tcheck-app.sh failed: ended with exit status 3\n")
	r.wantLog("restarting app: check-app.sh of the readiness check failed")
	record := ReadRecord(r.config, "app")
	if record.Restarts != 1 || record.Why != "check-app.sh of the readiness check failed" || record.Failed != "" {
		t.Errorf("record %+v", record)
	}
}

func TestProbeNames(t *testing.T) {
	r := newRunningRig(t)
	r.probe("app.sh", "exit 1")          // no probe
	r.probe("check-nobody.sh", "exit 1") // of no program
	testenv.Write(t, filepath.Join(r.config.ReadinessDir, "check-off.sh"), "", 0o755)
	testenv.Write(t, filepath.Join(r.config.ReadinessDir, ".check-app.sh"), "#!/bin/sh\nexit 1\n", 0o755)
	testenv.Write(t, filepath.Join(r.config.ReadinessDir, "check-data.txt"), "no script", 0o644)
	r.probe("check-other", "exit 1")
	if r.check(Readiness) {
		t.Error("it passes")
	}
	r.wantSpawned("app", 1)
	r.wantSpawned("other", 2)
	r.wantLog("there is no program nobody to restart")
	if names := slices.Sorted(maps.Keys(readResults(r.config, Readiness))); strings.Join(names, " ") != "check-nobody.sh check-other" {
		t.Errorf("results of %q", names)
	}
}

func TestNoProbes(t *testing.T) {
	r := newRunningRig(t)
	must(t, os.Remove(r.config.ReadinessDir))
	if !r.check(Readiness) {
		t.Error("nothing fails, and it does not pass")
	}
}

func TestBrokenProbeRestartsNothing(t *testing.T) {
	r := newRunningRig(t)
	testenv.Write(t, filepath.Join(r.config.ReadinessDir, "check-app.sh"), "exit 1\n", 0o755)
	testenv.Write(t, filepath.Join(r.config.ReadinessDir, "check-other.py"), "#!/nowhere/python\n", 0o755)
	testenv.Write(t, filepath.Join(r.config.ReadinessDir, "check-unknown.py"), "#!/usr/bin/container-manager script\n", 0o755)
	testenv.Symlink(t, "nowhere", filepath.Join(r.config.ReadinessDir, "check-gone.sh"))
	if r.check(Readiness) {
		t.Error("it passes")
	}
	r.wantSpawned("app", 1)
	r.wantSpawned("other", 1)
	r.wantLog("check-app.sh:1: has no #! line")
	r.wantLog("the interpreter /nowhere/python is missing")
	r.wantLog("there is no built-in probe of this name")
	r.wantLog("is a link to a file that does not exist")
}

func TestProbeWithoutExecuteBit(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, dir string) {
		path := filepath.Join(dir, "check-app.sh")
		testenv.Write(t, path, "#!/bin/sh\nexit 1\n", 0o644)
		testenv.Chown(t, dir, 500)
		testenv.Become(t, 500)
		all, err := probes(dir)
		must(t, err)
		c := Check{Kind: Readiness, Config: config.Config{ReadinessDir: dir}}
		f := c.run(t.Context(), all[0])
		if f.err == nil || !strings.Contains(f.err.Error(), "is not executable for uid 500: chmod 755 it") || len(f.sick) != 0 {
			t.Errorf("error %v, sick %v", f.err, f.sick)
		}
	})
}

func TestHangingProbe(t *testing.T) {
	r := newRunningRig(t)
	r.config.HealthTimeout = config.Duration(300 * time.Millisecond)
	// Its child, which ignores the signal, keeps the output open.
	r.probe("check-app.sh", "(trap '' TERM; echo $$ >DIR/probe; sleep 999) & wait; sleep 999")
	begin := time.Now()
	if r.check(Readiness) {
		t.Error("it passes")
	}
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	r.wantLog("check-app.sh failed: did not end within 300ms and was killed")
	r.wantSpawned("app", 2)
	group, err := strconv.Atoi(strings.TrimSpace(testenv.Read(t, filepath.Join(r.server.Dir, "probe"))))
	must(t, err)
	testenv.WaitFor(t, "nothing of the probe is left", func() bool { return errors.Is(unix.Kill(-group, 0), unix.ESRCH) })
}

func TestFloodingProbe(t *testing.T) {
	r := newRunningRig(t)
	r.probe("check-app.sh", "yes 'a line;and another' | head -n 100000; exit 1")
	if r.check(Readiness) {
		t.Error("it passes")
	}
	if n := strings.Count(r.log.String(), "\n"); n > 2*maxOutput+20 {
		t.Errorf("%d lines are logged", n)
	}
	r.wantLog("(and 99800 lines more)")
	r.wantSpawned("app", 2)
}

func TestProbesRunSideBySide(t *testing.T) {
	r := newRunningRig(t)
	// Each waits for all others.
	for _, name := range []string{"a", "b", "c", "d"} {
		r.probe("check-"+name+".sh", "echo "+name+" first; : >DIR/"+name+"; while ! [ -e DIR/a -a -e DIR/b -a -e DIR/c -a -e DIR/d ]; do sleep 0.02; done; echo "+name+" last")
	}
	if !r.check(Readiness) {
		t.Error("it does not pass")
	}
	// What one says stands together.
	lines := strings.Split(r.log.String(), "\n")
	for i, line := range lines {
		if _, what, ok := strings.Cut(line, " first"); ok && what == "" && !strings.HasSuffix(lines[i+1], " last") {
			t.Errorf("%q is followed by %q", line, lines[i+1])
		}
	}
	if n := strings.Count(r.log.String(), " last\n"); n != 4 {
		t.Errorf("%d probes have told all, want 4", n)
	}
}

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
	must(t, p.StopForGood(t.Context(), "app", "a person"))
	r.check(Readiness)
	if got := r.process("app").StateName; got != "STOPPED" {
		t.Errorf("a check has made app %s", got)
	}
	r.wantLog("app is held stopped (a person): container-manager start starts it: left alone")
	must(t, p.StartAgain(t.Context(), "app"))
	if got := r.process("app").StateName; got != "RUNNING" {
		t.Errorf("app is %s after its start", got)
	}
	r.age("app")
	r.check(Readiness)
	r.wantSpawned("app", 3)

	// A backup's mark has a process behind it, and so long nobody starts it.
	must(t, p.Stop(t.Context(), "app"))
	must(t, held.Hold(r.config.RunDir, "app", "backup"))
	r.check(Readiness)
	r.wantSpawned("app", 3)
	for _, err := range []error{
		p.StartAgain(t.Context(), "app"), p.StopForGood(t.Context(), "app", "a person"),
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
	must(t, r.programs().StopForGood(t.Context(), "app", "a person"))
	if !r.check(Liveness) {
		t.Error("that a held program does not live is a failure")
	}
	r.wantSpawned("app", 1)
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
		if ReadRecord(r.config, "app") != (Record{}) {
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

func TestEndedCheck(t *testing.T) {
	r := newRunningRig(t)
	r.probe("check-app.sh", "echo $$ >DIR/probe.tmp; mv DIR/probe.tmp DIR/probe; sleep 999")
	asked := errors.New("asked to end")
	ctx, cancel := context.WithCancelCause(t.Context())
	pid := filepath.Join(r.server.Dir, "probe")
	go func() {
		testenv.WaitFor(t, "the probe runs", func() bool { return testenv.Exists(pid) })
		cancel(asked)
	}()
	if _, err := r.checking(ctx, Readiness); !errors.Is(err, asked) {
		t.Errorf("error %v, want the context's cause", err)
	}
	r.wantSpawned("app", 1)
	group, err := strconv.Atoi(strings.TrimSpace(testenv.Read(t, pid)))
	must(t, err)
	testenv.WaitFor(t, "nothing of the probe is left", func() bool { return errors.Is(unix.Kill(-group, 0), unix.ESRCH) })
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
	must(t, r.client.Stop(t.Context(), "crond"))
	must(t, r.client.Stop(t.Context(), "filebeat"))
	if !r.check(Liveness) {
		t.Error("it wants what is switched off")
	}
	r.wantSpawned("crond", 2)
	r.wantSpawned("filebeat", 1)
}
