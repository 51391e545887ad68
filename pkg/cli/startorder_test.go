package cli

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/test/testenv"
)

// newOrder returns a container in which web waits for db, whose readiness probe wants a
// file that is there when ready has been called.
func newOrder(t *testing.T, environ ...string) *container {
	t.Helper()
	c := newContainer(t, append([]string{"IMAGE_CRON_ENABLED=0"}, environ...)...)
	c.program("db", sleeper)
	c.program("web", sleeper, "depends_on = db")
	testenv.Script(t, c.Path("image/health/readiness.probes.d/check-db.sh"), "[ -e $STORAGE_BASE_DIR/ready ]")
	return c
}

func (c *container) ready() { testenv.Write(c.t, c.Path("storage/ready"), "", 0o644) }

func (c *container) notReady() {
	if err := os.Remove(c.Path("storage/ready")); err != nil {
		c.t.Fatal(err)
	}
}

// log is supervisord's.
func (c *container) log() string {
	return testenv.ReadIfThere(c.t, c.Path("storage/logs/supervisor/supervisord.log"))
}

// listenerSays waits until the event listener has said something, and returns how often.
func (c *container) listenerSays(text string) (times int) {
	c.t.Helper()
	testenv.WaitFor(c.t, "the event listener says "+text, func() bool {
		times = strings.Count(testenv.ReadIfThere(c.t, c.Path("storage/logs/supervisor/health_stderr.log")), text)
		return times > 0
	})
	return times
}

// waits waits until a program waits for something.
func (c *container) waits(text string) {
	c.t.Helper()
	testenv.WaitFor(c.t, "status says "+text, func() bool {
		_, said := c.exec("status")
		return strings.Contains(said, text)
	})
}

// startedAfter waits until a program runs, and fails if it was started before others.
func (c *container) startedAfter(name string, others ...string) {
	c.t.Helper()
	c.waitState(name, "RUNNING")
	log := c.log()
	_, process, found := strings.Cut(name, ":")
	if !found {
		process = name
	}
	at := strings.LastIndex(log, "spawned: '"+process+"'")
	for _, other := range others {
		if before := strings.LastIndex(log, "spawned: '"+other+"'"); before < 0 || before > at {
			c.t.Errorf("%s was started before %s", name, other)
		}
	}
}

func TestStartOrder(t *testing.T) {
	c := newOrder(t)
	c.program("web", sleeper, "depends_on = db, migrate:completed")
	c.program("migrate", "command = /bin/sh -c 'until [ -e "+c.Path("storage/go")+" ]; do sleep 0.01; done'", "autorestart = false", "depends_on = db")
	c.program("off", sleeper, "autostart = false", "depends_on = db")
	c.start()
	c.waits("waits for db (healthy), migrate (completed)")
	c.want(1, "migrate waits for db (healthy); web waits for db (healthy), migrate (completed)", "health", "readiness")
	c.want(0, "healthy", "health", "liveness")
	c.ready()
	c.waitState("migrate", "RUNNING")
	c.waits("waits for migrate (completed)")
	testenv.Write(t, c.Path("storage/go"), "", 0o644)
	c.startedAfter("web", "db", "migrate")
	c.life.Says("3 programs are running, ")
	c.want(0, "healthy", "health", "readiness")
	if c.spawned("off") > 0 || c.spawned("db") != 1 || c.spawned("migrate") != 1 {
		t.Error("a program was started that should not have been")
	}
	c.life.Stop()
	log := c.log()
	if web, db := strings.Index(log, "stopped: web"), strings.Index(log, "stopped: db"); web < 0 || db < web {
		t.Error("web is not stopped before db")
	}
}

// What has completed in a former life has not in this one.
func TestStartOrderInTheNextLife(t *testing.T) {
	c := newContainer(t, "IMAGE_CRON_ENABLED=0")
	c.program("migrate", "command = /bin/sh -c 'echo >>"+c.Path("storage/migrated")+"'", "autorestart = false")
	c.program("web", sleeper, "dependent_startup = true", "autostart = false", "dependent_startup_wait_for = migrate:exited")
	for life := 1; life <= 2; life++ {
		c.start()
		c.startedAfter("web", "migrate")
		if runs := strings.Count(testenv.Read(t, c.Path("storage/migrated")), "\n"); runs != life {
			t.Errorf("in life %d, migrate has run %d times", life, runs)
		}
		c.life.Stop()
	}
}

func TestStartOrderOfGroups(t *testing.T) {
	c := newContainer(t, "IMAGE_CRON_ENABLED=0")
	c.program("db", sleeper)
	c.program("cache", sleeper)
	c.program("worker", sleeper, "numprocs = 2", "process_name = worker_%(process_num)d", "depends_on = data:*")
	c.program("web", sleeper, "depends_on =", "\tworker", "\tdata:db:running")
	testenv.Write(t, c.Path("image/supervisord/conf.d/zz.conf"), "[group:data]\nprograms = db, cache\n", 0o644)
	c.start()
	c.startedAfter("web", "db", "cache", "worker_0", "worker_1")
	c.startedAfter("worker:worker_0", "db", "cache")
	c.life.Stop()
	log := c.log()
	order := []string{"stopped: web", "stopped: worker_", "stopped: db"}
	for i := range order[1:] {
		if strings.Index(log, order[i]) > strings.Index(log, order[i+1]) {
			t.Errorf("%q comes behind %q", order[i], order[i+1])
		}
	}
}

func TestStartOrderOfADependencyThatIsNeverReady(t *testing.T) {
	c := newOrder(t, "IMAGE_START_TIMEOUT=1")
	c.program("far", sleeper, "depends_on = web")
	c.start()
	const problem = "db is not healthy 1s after its start (IMAGE_START_TIMEOUT): "
	c.listenerSays(problem)
	c.life.Says("2 programs are running, ")
	c.life.Says("not up: far waits for web (running): web does not start, web waits for db (healthy): " + problem)
	for _, kind := range []string{"liveness", "readiness"} {
		c.want(1, "web waits for db (healthy): "+problem, "health", kind)
	}
	c.ready()
	c.startedAfter("far", "db", "web")
	c.want(0, "healthy", "health", "readiness")
	if times := c.listenerSays(problem); times != 1 {
		t.Errorf("the log says %d times that db is not ready", times)
	}
}

func TestStartOrderOfADependencyThatFails(t *testing.T) {
	c := newOrder(t)
	c.program("db", "command = /bin/sh -c 'exec sleep $(cat "+c.Path("storage/ready")+" || echo x)'", "startsecs = 1", "startretries = 0")
	c.program("migrate", "command = /bin/false", "autorestart = false")
	c.program("late", sleeper, "depends_on = migrate:completed")
	c.program("gone", "command = /nowhere/gone", "depends_on = migrate:exited")
	c.start()
	c.listenerSays("db is FATAL; waiting for it: web")
	c.listenerSays("migrate has ended with an exit status that is not expected; waiting for it: late")
	c.listenerSays("gone cannot be started: supervisord refuses: NO_FILE: ")
	c.life.Says("web waits for db (healthy): db is FATAL")
	c.want(1, "gone cannot be started: supervisord refuses: NO_FILE: ", "health", "liveness")
	c.want(1, "web waits for db (healthy): db is FATAL", "health", "liveness")
	testenv.Write(t, c.Path("storage/ready"), "1000", 0o644)
	c.want(0, "", "start", "db")
	c.startedAfter("web", "db")
	if c.spawned("late")+c.spawned("gone") > 0 {
		t.Error("a program was started whose dependency has failed")
	}
}

func TestStartOrderOfWhatIsHeld(t *testing.T) {
	c := newOrder(t)
	c.program("other", sleeper, "depends_on = db")
	c.start()
	c.waits("waits for db (healthy)")
	c.want(0, "", "stop", "db")
	c.want(0, "", "stop", "other")
	c.ready()
	c.waits("waits for db (healthy)")
	c.want(0, "", "start", "db")
	c.startedAfter("web", "db")
	if c.spawned("other") > 0 {
		t.Error("what a person holds stopped was started")
	}
	c.want(0, "", "start", "other")
	c.waitState("other", "RUNNING")
}

// supervisorctl knows nothing of holding. What it stops is not ready all the same.
func TestStartOrderOfADependencyThatIsStoppedByHand(t *testing.T) {
	c := newOrder(t)
	c.start()
	c.waits("waits for db (healthy)")
	c.supervisorctl("stop", "db")
	c.ready()
	c.waitState("db", "STOPPED")
	c.waits("waits for db (healthy)")
	c.want(1, "db is STOPPED", "health", "readiness")
	if c.spawned("web") > 0 {
		t.Error("web was started while db is stopped")
	}
	c.supervisorctl("start", "db")
	c.startedAfter("web", "db")
}

// While a dependency is stopped, what it was before does not count.
func TestStartOrderOfADependencyThatRestarts(t *testing.T) {
	c := newOrder(t)
	c.program("slow", "command = /bin/sh -c 'until [ -e "+c.Path("storage/go")+" ]; do sleep 0.01; done'", "autorestart = false")
	c.program("two", sleeper, "depends_on = db slow:completed")
	c.program("three", sleeper, "depends_on = db slow:completed")
	c.ready()
	c.start()
	c.waitState("web", "RUNNING")
	c.notReady()
	c.want(0, "", "restart", "db")
	testenv.Write(t, c.Path("storage/go"), "", 0o644)
	c.waits("waits for db (healthy)")
	c.waitState("slow", "EXITED")
	if c.spawned("two")+c.spawned("three") > 0 {
		t.Error("a program was started while its dependency was not ready")
	}
	c.ready()
	c.startedAfter("two", "db", "slow")
	c.startedAfter("three", "db", "slow")
	if c.spawned("web") != 1 {
		t.Error("web was restarted in a cascade")
	}
}

// The order goes on where it stands, and from the beginning where supervisord does.
func TestStartOrderAfterTheListener(t *testing.T) {
	c := newOrder(t)
	c.program("far", sleeper, "depends_on = web")
	c.start()
	c.waits("waits for db (healthy)")
	former := c.waitState("health", "RUNNING").Pid
	if err := unix.Kill(former, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	testenv.WaitFor(t, "there is another listener", func() bool { p := c.process("health").Pid; return p != 0 && p != former })
	c.ready()
	c.startedAfter("far", "db", "web")
	if c.spawned("db") != 1 || c.spawned("web") != 1 {
		t.Error("a program was started twice")
	}

	c.notReady()
	c.supervisorctl("reread")
	c.supervisorctl("reload")
	testenv.WaitFor(t, "db is started again", func() bool { return c.spawned("db") == 2 })
	c.waits("waits for db (healthy)")
	c.ready()
	testenv.WaitFor(t, "web and far are started again", func() bool { return c.spawned("web") == 2 && c.spawned("far") == 2 })
	c.startedAfter("far", "db", "web")
}

// A stop ends the waiting, and the probes that run.
func TestStartOrderAtAStop(t *testing.T) {
	c := newOrder(t)
	pidFile := c.Path("storage/probe")
	testenv.Script(t, c.Path("image/health/readiness.probes.d/check-db.sh"), "echo $$ >"+pidFile+".new; mv "+pidFile+".new "+pidFile+"; sleep 1000")
	c.start()
	var probe int
	testenv.WaitFor(t, "the probe runs", func() bool {
		probe, _ = strconv.Atoi(strings.TrimSpace(testenv.ReadIfThere(t, pidFile)))
		return probe > 0
	})
	if status := c.life.Stop(); status != 0 {
		t.Errorf("exit status %d", status)
	}
	testenv.WaitFor(t, "the probe ends", func() bool { return !testenv.Alive(probe) })
	if c.spawned("web") > 0 {
		t.Error("web was started")
	}
}

// A health check starts nothing that waits.
func TestStartOrderAndHealthChecks(t *testing.T) {
	c := newOrder(t)
	for _, kind := range []string{"liveness", "readiness"} {
		testenv.Script(t, c.Path("image/health", kind+".probes.d/check-web.sh"), "exit 1")
	}
	c.start()
	c.waits("waits for db (healthy)")
	c.want(1, "web waits for db (healthy): left alone", "check-readiness")
	c.want(0, "web waits for db (healthy)", "check-liveness")
	c.want(0, "healthy", "health", "liveness")
	if c.spawned("web") > 0 {
		t.Error("a check has started web")
	}
}

// Each of many programs is started after what it needs.
func TestStartOrderAtRandom(t *testing.T) {
	const count = 30
	c := newContainer(t, "IMAGE_CRON_ENABLED=0")
	random := rand.New(rand.NewPCG(13, 0))
	needs := map[string][]string{}
	for i := range count {
		name := fmt.Sprintf("p%d", i)
		for range min(i, random.IntN(4)) {
			needs[name] = append(needs[name], fmt.Sprintf("p%d", random.IntN(i)))
		}
		c.program(name, sleeper, "depends_on = "+strings.Join(needs[name], " "))
	}
	c.start()
	c.life.Says(fmt.Sprintf("%d programs are running, ", count+1)) // and the event listener
	for name, needed := range needs {
		c.startedAfter(name, needed...)
	}
}
