package cli

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/test/testenv"
)

// trials is how often something is killed at a random moment: few by default, and
// FAULT_TRIALS for a soak.
func trials(t *testing.T) int {
	t.Helper()
	const few = 12
	text, ok := os.LookupEnv("FAULT_TRIALS")
	if !ok {
		return few
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("FAULT_TRIALS=%q is no number", text)
	}
	return n
}

// faultRandom returns random numbers, of the seed FAULT_SEED where that is set.
func faultRandom(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if n, err := strconv.ParseUint(os.Getenv("FAULT_SEED"), 10, 64); err == nil {
		seed = n
	}
	t.Logf("FAULT_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// TestKilledRestart kills restarts, and their workers, at random moments: the
// program runs again soon after, and nothing is marked.
func TestKilledRestart(t *testing.T) {
	random := faultRandom(t)
	c := newContainer(t, "IMAGE_HEALTH_CRON=0 0 1 1 *")
	c.program("app", sleeper)
	c.program("slow", "command = /bin/sh -c \"trap 'sleep 0.3; exit' TERM; while :; do sleep 0.02; done\"")
	c.start()
	names := []string{"app", "slow", "crond"}
	for _, name := range append(names, "health") {
		c.waitState(name, "RUNNING")
	}
	for range trials(t) {
		name := names[random.IntN(len(names))]
		cmd := c.beside("restart", name)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// The moment may be any from the worker's first to its last.
		testenv.WaitFor(t, "the worker runs", func() bool { return len(c.workers()) > 0 || !testenv.Alive(cmd.Process.Pid) })
		time.Sleep(time.Duration(random.IntN(500)) * time.Millisecond)
		for _, pid := range c.workers() {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
		_ = cmd.Wait()
		testenv.WaitFor(t, name+" runs, and nothing is marked", func() bool {
			return c.process(name).StateName == "RUNNING" && len(testenv.Names(t, c.Path("run/stopped"))) == 0
		})
	}
}

// TestKilledWithStoppedPrograms kills backups and restores, and at times what
// finishes them, at random moments: the programs run again soon after, nothing is
// marked, and the data is that of the archive or what it was.
func TestKilledWithStoppedPrograms(t *testing.T) {
	random := faultRandom(t)
	c := newBackupContainer(t)
	data := c.Path("storage/data/f")
	whole := map[string]time.Duration{}
	for _, what := range []string{"backup", "restore"} {
		began := time.Now()
		c.want(0, "", what)
		whole[what] = time.Since(began)
	}
	written := map[string]bool{"data": true} // what an archive may hold: a backup may end before it is killed
	for i := range trials(t) {
		what := []string{"backup", "restore"}[random.IntN(2)]
		former := fmt.Sprint("written before trial ", i)
		written[former] = true
		testenv.Write(t, data, former, 0o644)
		cmd := c.beside(what)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(random.Int64N(int64(whole[what]))))
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if random.IntN(3) == 0 {
			for _, pid := range c.workers() {
				_ = unix.Kill(pid, unix.SIGKILL)
			}
		}
		testenv.WaitFor(t, "nothing is held after a killed "+what, func() bool { return len(testenv.Names(t, c.Path("run/stopped"))) == 0 })
		c.wantRunning()
		if now := testenv.Read(t, data); now != former && what == "backup" || !written[now] {
			t.Errorf("after a killed %s the data is %q", what, now)
		}
		if !c.isKept(former) {
			t.Errorf("%q is lost", former)
		}
		c.want(0, "", "restore", "--discard")
		if i%4 == 0 {
			c.want(0, "", "backup")
		}
		if t.Failed() {
			t.Fatalf("trial %d", i)
		}
	}
	c.want(0, "", "restore")
	c.want(0, "", "restore", "--discard")
	for _, name := range append(testenv.Names(t, c.Path("storage")), testenv.Names(t, c.Path("storage/backup"))...) {
		if strings.HasPrefix(name, ".restore-") || strings.HasPrefix(name, ".staging-") {
			t.Errorf("%s is left", name)
		}
	}
}

// isKept reports whether a text is in the data, or in what a restore has moved away.
func (c *container) isKept(text string) bool {
	files, _ := filepath.Glob(c.Path("storage/data*/f"))
	return slices.ContainsFunc(files, func(path string) bool { return testenv.Read(c.t, path) == text })
}

// TestSIGTERMSoonAfterTheStart ends containers with a main program at random
// moments around the start of their programs. One that supervisord has just forked
// misses its signal; the container ends all the same, long before supervisord kills it.
func TestSIGTERMSoonAfterTheStart(t *testing.T) {
	random := faultRandom(t)
	const stopWait = 100 * time.Second
	wait := fmt.Sprint("stopwaitsecs = ", stopWait.Seconds())
	c := newMainContainer(t, "exec sleep 1000", wait)
	c.program("many", sleeper, wait, "process_name = many_%(process_num)d", "numprocs = 20")
	testenv.Write(t, c.Path("image/supervisord/conf.d/wait.conf"), "[eventlistener:health]\n"+wait+"\n", 0o644)
	for i := range trials(t) {
		moment := time.Duration(random.Int64N(int64(200 * time.Millisecond)))
		c.start()
		testenv.WaitFor(t, "supervisord begins", func() bool { return testenv.Exists(c.Path("tmp/supervisord.sock")) })
		time.Sleep(moment)
		told := time.Now()
		c.life.Signal(unix.SIGTERM)
		status := c.life.End()
		if took := time.Since(told); took > stopWait/2 {
			t.Errorf("it ended after %s", took)
		}
		if status != 143 && status != 0 { // 0: the program had not begun
			t.Errorf("it ended with %d", status)
		}
		if left := c.left(); len(left) > 0 {
			t.Errorf("processes are left: %v", left)
		}
		if t.Failed() {
			t.Fatalf("trial %d, %s after supervisord's first sign", i, moment)
		}
	}
}

// TestSecretWithoutEnd starts a container with a secret's file that says it is empty
// and never ends. The start ends instead, and takes no more memory than others.
func TestSecretWithoutEnd(t *testing.T) {
	tree := testenv.NewTree(t)
	cmd := testenv.Command(t, tree.Environ("FILE__X=/proc/self/pagemap"), "container-manager", "run", "true")
	said, _ := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != exitInvalid || !strings.Contains(string(said), `FILE__X="/proc/self/pagemap": is larger than 65536 bytes`) {
		t.Errorf("exit code %d; it said\n%s", code, said)
	}
	const most = 200 << 10
	if used := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss; used > most {
		t.Errorf("it took %d KiB", used)
	}
}

// workers returns the processes that restart something in the container.
func (c *container) workers() (pids []int) {
	for _, name := range testenv.Names(c.t, "/proc") {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		environ, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		isWorker := strings.Contains(string(line), "\x00restart-worker\x00") || strings.HasSuffix(string(line), "\x00resume\x00")
		if isWorker && strings.Contains(string(environ), "IMAGE_RUN_DIR="+c.Path("run")+"\x00") {
			pids = append(pids, pid)
		}
	}
	return pids
}
