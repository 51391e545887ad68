package cli

import (
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/test/testenv"
)

const (
	sleeper = "command = /bin/sleep 1000"
	// stubborn takes a second to be stopped.
	stubborn = "command = /bin/sh -c \"trap '' TERM; while :; do sleep 0.05; done\"\nstopwaitsecs = 1\nkillasgroup = true"
)

func TestRestartCommand(t *testing.T) {
	c := newContainer(t)
	c.program("app", sleeper)
	c.program("stubborn", stubborn)
	c.program("many", sleeper, "process_name = %(program_name)s_%(process_num)d", "numprocs = 2")
	c.program("failing", "command = /bin/false", "startsecs = 1", "startretries = 0", "autostart = false")
	c.start()
	for _, name := range []string{"app", "stubborn", "crond", "health"} {
		c.waitState(name, "RUNNING")
	}

	before := c.process("app").Pid
	c.want(0, "restarted app in", "restart", "--timeout", "60s", "app")
	if after := c.waitState("app", "RUNNING").Pid; after == before {
		t.Error("app is the process that it was")
	}
	c.want(0, "restarting app, many:many_0, many:many_1: container-manager restart", "restart", "many", "app:*", "app")
	c.want(1, "failing does not start: Exited too quickly", "restart", "failing")
	c.want(1, `"nobody": supervisord has no program of this name`, "restart", "app", "nobody")
	c.want(2, "restart wants the name of a program", "restart")
	c.want(2, "expected a duration", "restart", "--timeout", "soon", "app")
	if got := c.spawned("app"); got != 3 {
		t.Errorf("app was started %d times, want 3", got)
	}

	// One that nobody waits for any longer goes on.
	for what, end := range map[string]func() (int, string){
		"time-out": func() (int, string) { return c.exec("restart", "--timeout", "0.3s", "stubborn") },
		"SIGINT": func() (int, string) {
			isStopping := func() bool { return c.process("stubborn").StateName == "STOPPING" }
			return c.execSignalled(unix.SIGINT, "stubborn is STOPPING", isStopping, "restart", "stubborn")
		},
	} {
		before := c.waitState("stubborn", "RUNNING").Pid
		code, said := end()
		if want := map[string]int{"time-out": 1, "SIGINT": 130}[what]; code != want || !strings.Contains(said, "the restart goes on") {
			t.Errorf("%s: exit code %d, want %d; it said\n%s", what, code, want, said)
		}
		testenv.WaitFor(t, what+": stubborn runs again", func() bool {
			p := c.process("stubborn")
			return p.StateName == "RUNNING" && p.Pid != before
		})
	}
}

func TestRestartOfAHangingSupervisord(t *testing.T) {
	c := newContainer(t)
	c.program("app", sleeper)
	c.start()
	c.waitState("app", "RUNNING")
	c.life.Signal(unix.SIGSTOP)
	c.want(1, "1s have gone by", "restart", "--timeout", "1", "app")
	c.life.Signal(unix.SIGCONT)
	testenv.WaitFor(t, "app was restarted", func() bool { return c.spawned("app") == 2 })
}

func TestStopAndStart(t *testing.T) {
	c := newContainer(t, "IMAGE_CRON_ENABLED=false")
	c.program("app", sleeper)
	testenv.Script(t, c.Path("image/health/readiness.probes.d/check-app.sh"), "exec container-manager probe process app")
	c.start()
	c.waitState("app", "RUNNING")
	c.want(0, "", "check-readiness")
	c.want(0, "", "stop", "app")
	c.want(0, "", "stop", "app")
	if got := c.process("app").StateName; got != "STOPPED" {
		t.Errorf("app is %s", got)
	}
	c.want(1, "app is held stopped (container-manager stop): container-manager start starts it: left alone", "check-readiness")
	c.want(1, "app is STOPPED", "probe", "process", "app")
	c.want(0, "", "check-liveness") // nothing of app's is wrong with that
	if got := c.process("app").StateName; got != "STOPPED" {
		t.Errorf("app is %s", got)
	}
	c.want(0, "", "start", "app")
	c.want(0, "", "start", "app")
	c.want(0, "", "check-readiness")
	c.want(1, "has no program of this name", "stop", "nobody")
	c.want(1, "has no program of this name", "start", "nobody")
	c.want(2, "stop wants the name of a program", "stop")
	// A person's restart starts it as well.
	c.want(0, "", "stop", "app")
	c.want(0, "", "restart", "app")
	c.want(0, "", "check-readiness")
}

// pythonProbe is a probe as they were written for the Python version.
const pythonProbe = `#!/usr/bin/python3
import os
import sys

sys.path.append(os.environ["IMAGE_BASE_DIR"])
import utils

if os.path.exists(os.environ["STORAGE_BASE_DIR"] + "/sick"):
    utils.write_log("ERROR", "check-app", "is sick;restarting it;")
    result = utils.restart_process("app")
    utils.write_log("INFO", "check-app", "the restart returned {};".format(result))
    sys.exit(1)
utils.write_log("INFO", "check-app", "is well;")
`

func TestPythonProbe(t *testing.T) {
	c := newContainer(t, "IMAGE_CRON_ENABLED=false")
	c.program("app", sleeper)
	testenv.Write(t, c.Path("image/health/liveness.probes.d/check-app.py"), pythonProbe, 0o755)
	testenv.Write(t, c.Path("image/health/readiness.probes.d/check-app.py"), pythonProbe, 0o755)
	c.start()
	c.waitState("app", "RUNNING")
	c.want(0, "check-app is well\n", "check-liveness")
	testenv.Write(t, c.Path("storage/sick"), "", 0o644)

	// It restarts its program, and nobody does it a second time.
	c.age("app")
	code, said := c.exec("check-liveness")
	if code != 1 || !strings.Contains(said, "the restart returned True") || !strings.Contains(said, "started anew while its probe ran: left alone") {
		t.Errorf("exit code %d; it said\n%s", code, said)
	}
	if got := c.spawned("app"); got != 2 {
		t.Errorf("app was started %d times, want 2", got)
	}
	// Soon after, the back-off holds for it as for every other.
	c.age("app")
	code, said = c.exec("check-liveness")
	if code != 1 || c.spawned("app") == 2 != strings.Contains(said, "the restart returned None") {
		t.Errorf("exit code %d, %d starts; it said\n%s", code, c.spawned("app"), said)
	}
	// Held, it stays stopped.
	c.want(0, "", "stop", "app")
	c.want(1, "the restart returned None", "check-readiness")
	if got := c.process("app").StateName; got != "STOPPED" {
		t.Errorf("app is %s", got)
	}
}

func TestReadinessWithoutForce(t *testing.T) {
	c := newContainer(t, "IMAGE_HEALTH_READINESS_FORCE_REBOOT=no")
	c.program("app", sleeper)
	c.program("other", sleeper)
	testenv.Write(t, c.Path("image/health/readiness.probes.d/check-app.py"), pythonProbe, 0o755)
	testenv.Script(t, c.Path("image/health/readiness.probes.d/check-other.sh"), "exit 1")
	c.start()
	c.waitState("app", "RUNNING")
	testenv.Write(t, c.Path("storage/sick"), "", 0o644)
	code, said := c.exec("check-readiness")
	if code != 1 || !strings.Contains(said, "the restart returned None") || !strings.Contains(said, "IMAGE_HEALTH_READINESS_FORCE_REBOOT") {
		t.Errorf("exit code %d; it said\n%s", code, said)
	}
	for _, name := range []string{"app", "other"} {
		if got := c.spawned(name); got != 1 {
			t.Errorf("%s was started %d times, want 1", name, got)
		}
	}
	// The same probe may do it when it is not the check that runs it.
	c.want(0, "restarted app", "restart", "app")
}

func TestChecksSideBySide(t *testing.T) {
	c := newContainer(t)
	c.program("app", stubborn)
	testenv.Script(t, c.Path("image/health/readiness.probes.d/check-app.sh"), "exit 1")
	c.start()
	c.waitState("app", "RUNNING")
	c.age("app")
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if code, said := c.exec("check-readiness"); code != 1 {
				t.Errorf("exit code %d; it said\n%s", code, said)
			}
		})
	}
	wg.Wait()
	if got := c.spawned("app"); got != 2 {
		t.Errorf("app was started %d times, want 2", got)
	}
}

func TestEndedCheck(t *testing.T) {
	c := newContainer(t)
	testenv.Script(t, c.Path("image/health/readiness.probes.d/check-app.sh"), "echo $$ >$STORAGE_BASE_DIR/probe; sleep 999")
	c.start()
	c.waitState("health", "RUNNING")
	runs := func() bool { return testenv.Exists(c.Path("storage/probe")) }
	if code, said := c.execSignalled(unix.SIGTERM, "the probe runs", runs, "check-readiness"); code != 143 {
		t.Errorf("exit code %d, want 143; it said\n%s", code, said)
	}
}

// TestCronRestartsItself has a job of crond's restart crond: by a check and, as
// old probes do it, with its output in a pipe.
func TestCronRestartsItself(t *testing.T) {
	c := newContainer(t, "IMAGE_HEALTH_CRON=0 0 1 1 *")
	// Each job is done once, the second after crond has been restarted for the first.
	job := func(name, before, command string) string {
		return "@every 1s [ -e $STORAGE_BASE_DIR/" + before + " ] && mkdir $STORAGE_BASE_DIR/" + name + " 2>/dev/null || exit 0; " +
			command + "; echo status $? >>$STORAGE_LOGS_DIR/" + name + ".log\n"
	}
	testenv.Write(t, c.Path("image/setup/run.always/10-jobs.sh"), "#!/bin/sh\ncat >>$IMAGE_CRON_DIR/kubernetes <<'END'\n"+
		job("direct", "logs", "container-manager restart crond >>$STORAGE_LOGS_DIR/direct.log 2>&1")+
		job("piped", "second", "said=$(container-manager restart crond 2>&1)")+
		"END\n", 0o755)
	c.start()
	c.waitState("crond", "RUNNING")
	for i, name := range []string{"direct", "piped"} {
		log := c.Path("storage/logs", name+".log")
		testenv.WaitFor(t, "the job "+name+" has ended", func() bool { return testenv.Exists(log) && strings.Contains(testenv.Read(t, log), "status") })
		if got := testenv.Read(t, log); !strings.Contains(got, "status 0") {
			t.Errorf("%s: it said %q", name, got)
		}
		testenv.WaitFor(t, "crond was restarted", func() bool { return c.spawned("crond") == i+2 })
		c.waitState("crond", "RUNNING")
		testenv.Write(t, c.Path("storage/second"), "", 0o644)
	}
	for _, name := range []string{"direct.log", "liveness.log"} {
		testenv.WaitFor(t, name+" tells of it", func() bool {
			files, _ := filepath.Glob(c.Path("storage/logs", name))
			return len(files) == 1 && strings.Contains(testenv.Read(t, files[0]), "restarted crond in")
		})
	}
}

// The built-in probe acts by its path as well: it restarts what does not run but
// should, by Python too.
func TestBaseProbeByItself(t *testing.T) {
	c := newContainer(t, "IMAGE_HEALTH_LIVENESS_CHECK_ENABLED=false")
	c.start()
	c.waitState("crond", "RUNNING")
	probe := c.Path("image/health/liveness.probes.d/check-base.py")
	c.want(0, "", "script", probe)
	if err := c.client().Stop(t.Context(), c.process("crond")); err != nil {
		t.Fatal(err)
	}
	c.waitState("crond", "STOPPED")
	c.want(1, "crond is STOPPED", "script", probe)
	c.waitState("crond", "RUNNING")
	python := exec.Command("python3", probe)
	python.Env = []string{"PATH=" + testenv.Programs(t) + ":/usr/bin:/bin", "IMAGE_RUN_DIR=" + c.Path("run")}
	if out, err := python.CombinedOutput(); err != nil {
		t.Errorf("by Python: %v: %s", err, out)
	}
}
