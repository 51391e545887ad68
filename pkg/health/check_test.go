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
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/scriptdir"
	"github.com/ZPascal/container-manager/test/testenv"
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
	r.age("other")
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
	r.probe("check-app.sh", "echo is not well\nexit 3")
	r.probe("check-other.sh", "exit 0")
	if r.check(Readiness) {
		t.Error("it passes")
	}
	r.wantSpawned("app", 2)
	r.wantSpawned("other", 1)
	r.wantLog("INFO\tcheck-app.sh is not well\n")
	r.wantLog("ERROR\tcheck-app.sh failed: ended with exit status 3 (line 3: exit 3)\n")
	r.wantLog("restarting app: check-app.sh of the readiness check failed: ended with exit status 3 (line 3: exit 3)")
	record := ReadRecord(r.config, "app")
	if record.Restarts != 1 || record.Why != "check-app.sh of the readiness check failed: ended with exit status 3 (line 3: exit 3)" || record.Failed != "" {
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
	r.wantLog("there is no built-in of this name")
	r.wantLog("is a link to a file that does not exist")
}

func TestProbeWithoutExecuteBit(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, dir string) {
		path := filepath.Join(dir, "check-app.sh")
		testenv.Write(t, path, "#!/bin/sh\nexit 1\n", 0o644)
		testenv.Chown(t, dir, 500)
		testenv.Become(t, 500)
		all, err := scriptdir.Probes(dir)
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
	// Its child, which ignores the signal, keeps the output open.
	r.probe("check-app.sh", "(trap '' TERM; echo $$ >DIR/probe; sleep 9999) & wait; sleep 9999")
	checks := 0
	testenv.EverLonger(t, "the probe starts", func(limit time.Duration) bool {
		r.config.HealthTimeout = config.Duration(limit)
		if r.check(Readiness) {
			t.Error("it passes")
		}
		checks++
		r.wantLog("check-app.sh failed: did not end within " + limit.String() + " and was killed")
		return testenv.ReadIfThere(t, filepath.Join(r.server.Dir, "probe")) != ""
	})
	r.wantSpawned("app", 1+checks)
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
