// Package proc reads the state of processes from /proc/PID/stat, and waits for their end
// through a pidfd.
package proc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/fsutil"
)

// List returns the ids of all processes, and nothing where /proc is not mounted.
func List() (pids []int) {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		if pid, err := strconv.Atoi(filepath.Base(dir)); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// Stat is what /proc/PID/stat says of a process; see proc(5).
type Stat struct {
	State  byte   // R runs, S sleeps, T is halted by a signal, Z has ended and is not reaped
	Parent int    // process id
	Group  int    // process group
	Start  uint64 // when it began, in clock ticks since the machine booted
}

// ReadStat returns the state of a process.
func ReadStat(pid int) (Stat, error) {
	path := fmt.Sprintf("/proc/%d/stat", pid)
	line, err := fsutil.ReadFile(path)
	if err != nil {
		return Stat{}, err
	}
	s, ok := parse(string(line))
	if !ok {
		return Stat{}, fmt.Errorf("%s does not look as proc(5) says: %q", path, line)
	}
	return s, nil
}

// parse parses the line of a stat file.
func parse(line string) (Stat, bool) {
	// The second field, the name in parentheses, may hold blanks and parentheses.
	// What follows it begins with the third field.
	fields := strings.Fields(line[strings.LastIndexByte(line, ')')+1:])
	const start = 22 - 3
	if len(fields) <= start || len(fields[0]) != 1 {
		return Stat{}, false
	}
	parent, parentErr := strconv.Atoi(fields[1])
	group, groupErr := strconv.Atoi(fields[2])
	began, startErr := strconv.ParseUint(fields[start], 10, 64)
	return Stat{fields[0][0], parent, group, began}, errors.Join(parentErr, groupErr, startErr) == nil
}

// HasEnded reports whether the process has ended, though it may not be reaped yet.
func (s Stat) HasEnded() bool { return s.State == 'Z' || s.State == 'X' }

// ID identifies one process for good. A process id alone is given to another process in
// time.
type ID struct {
	PID   int
	Start uint64 // see Stat
}

// Self is this process.
func Self() (ID, error) {
	s, err := ReadStat(os.Getpid())
	return ID{os.Getpid(), s.Start}, err
}

// Lives reports whether the process has not ended yet.
func (id ID) Lives() bool {
	s, err := ReadStat(id.PID)
	return err == nil && s.Start == id.Start && !s.HasEnded()
}

// Await returns when the process has ended, or when ctx is done.
func (id ID) Await(ctx context.Context) {
	fd, err := unix.PidfdOpen(id.PID, 0)
	if err == nil && id.Lives() { // asked second: so the descriptor is that process's
		err = AwaitEnd(ctx, fd)
	} else if err == nil {
		err = unix.Close(fd)
	}
	// Without a pidfd (an old kernel, or one that is told so) we have to ask.
	for err != nil && ctx.Err() == nil && id.Lives() {
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

// AwaitEnd returns when the process of a pidfd has ended, or when ctx is done, and
// closes the descriptor. It waits as one waits for the network: that takes no
// thread.
func AwaitEnd(ctx context.Context, pidfd int) error {
	if err := unix.SetNonblock(pidfd, true); err != nil {
		return errors.Join(err, unix.Close(pidfd))
	}
	f := os.NewFile(uintptr(pidfd), "pidfd")
	defer f.Close()
	defer context.AfterFunc(ctx, func() { _ = f.SetReadDeadline(time.Unix(1, 0)) })()
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	err = conn.Read(func(fd uintptr) bool {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
		return n > 0 || err != nil && !errors.Is(err, unix.EINTR)
	})
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return err
}
