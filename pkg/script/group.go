package script

import (
	"errors"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/proc"
)

// groupPoll is how often a group is looked at after its leader has ended. The kernel
// reports the end of a process, but not the end of a group.
const groupPoll = 10 * time.Millisecond

// endGroup asks a process group to end, waits until it is empty, and kills what
// is left of it after Grace: the leader is often a shell, which does not wait for
// the database that it has started. reap is called once the leader has ended; what
// it returns is returned.
func (c Command) endGroup(pgid int, ended <-chan struct{}, reap func() error) error {
	grace := c.Grace
	if grace == 0 {
		grace = DefaultGrace
	}
	over := make(chan struct{})
	timer := time.AfterFunc(grace, func() { close(over) })
	defer timer.Stop()
	_ = unix.Kill(-pgid, unix.SIGTERM)
	select {
	case <-ended:
	case <-over:
		_ = unix.Kill(-pgid, unix.SIGKILL)
		<-ended
	}
	err := reap() // as long as it is a zombie, the group is not empty
	for isRunning(pgid) {
		select {
		case <-over:
			_ = unix.Kill(-pgid, unix.SIGKILL)
			return err
		case <-time.After(groupPoll):
		}
	}
	return err
}

// isRunning reports whether a process of a group runs. It reaps those that have
// ended: as PID 1 this process inherits the orphans of a group, and nobody else
// would reap them. Another PID 1 may take its time, so zombies do not count.
func isRunning(pgid int) bool {
	for {
		pid, err := unix.Wait4(-pgid, nil, unix.WNOHANG, nil)
		if pid <= 0 && !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if errors.Is(unix.Kill(-pgid, 0), unix.ESRCH) {
		return false
	}
	pids := proc.List()
	if len(pids) == 0 {
		return true // without /proc there is no way to tell
	}
	return slices.ContainsFunc(pids, func(pid int) bool {
		s, err := proc.ReadStat(pid)
		return err == nil && s.Group == pgid && !s.HasEnded()
	})
}
