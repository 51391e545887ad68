package pid1

import (
	"bytes"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/proc"
)

// newborns are the programs that supervisord has forked but not yet begun when it
// is told to end. Until its exec such a child has supervisord's own handlers: the
// signal that is to stop the program only sets a flag, which the exec forgets, and
// supervisord waits stopwaitsecs for nothing. So it is signalled again.
type newborns struct {
	supervisord int    // process id
	since       uint64 // what begins later is a newborn, in the ticks of proc.Stat
	told        map[proc.ID]bool
}

// ticksPerSecond is USER_HZ, which is the same on every architecture that Go runs on.
const ticksPerSecond = 100

// watchNewborns is called before supervisord is told to end.
func watchNewborns(supervisord int) *newborns {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &now) // cannot fail
	n := &newborns{supervisord, uint64(now.Nano()) * ticksPerSecond / 1e9, map[proc.ID]bool{}}
	n.tell()
	return n
}

// tell signals, once each, the newborns that have become their programs.
func (n *newborns) tell() {
	own := cmdline(n.supervisord)
	for _, pid := range descendants(n.supervisord) {
		stat, err := proc.ReadStat(pid)
		id := proc.ID{PID: pid, Start: stat.Start}
		told, known := n.told[id]
		if err != nil || stat.HasEnded() || stat.Parent != n.supervisord || told {
			continue
		}
		switch current := cmdline(pid); {
		case bytes.Equal(current, own):
			n.told[id] = false // it has yet to begin
		case known || stat.Start > n.since:
			n.told[id] = true
			_ = unix.Kill(pid, unix.SIGTERM) // unless it has just ended
		}
	}
}

// cmdline returns the command line of a process, or nothing when it has ended.
func cmdline(pid int) []byte {
	line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return line
}
