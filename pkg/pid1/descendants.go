package pid1

import (
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/proc"
)

// lastGrace is how long what supervisord has left behind has between SIGTERM and
// SIGKILL.
const lastGrace = 2 * time.Second

// endDescendants ends and reaps every process that descends from this one.
func endDescendants(l log.Logger) {
	var c child // stays empty: the processes that end here are only reaped
	signal, deadline := unix.SIGTERM, time.Now().Add(lastGrace)
	for told := map[int]bool{}; ; time.Sleep(5 * time.Millisecond) {
		c.reap()
		left := descendants(os.Getpid())
		if len(left) == 0 {
			return
		}
		if signal == unix.SIGTERM && time.Now().After(deadline) {
			l.Warn().Msgf("%d processes do not end within %s and are killed", len(left), lastGrace)
			signal, told = unix.SIGKILL, map[int]bool{}
			deadline = time.Now().Add(lastGrace)
		}
		if signal == unix.SIGKILL && time.Now().After(deadline) {
			l.Error().Msgf("%d processes cannot even be killed", len(left))
			return
		}
		for _, pid := range left {
			if !told[pid] {
				told[pid] = true
				_ = unix.Kill(pid, signal) // unless it has just ended
			}
		}
	}
}

// descendants returns the ids of the processes below a process.
func descendants(root int) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	children := map[int][]int{}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if stat, err := proc.ReadStat(pid); err == nil {
			children[stat.Parent] = append(children[stat.Parent], pid)
		}
	}
	var found []int
	for queue := children[root]; len(queue) > 0; queue = queue[1:] {
		found = append(found, queue[0])
		queue = append(queue, children[queue[0]]...)
	}
	return found
}
