package cli

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
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

// TestKilledRestart kills restarts, and their workers, at random moments: the
// program runs again soon after, and nothing is marked.
func TestKilledRestart(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
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
