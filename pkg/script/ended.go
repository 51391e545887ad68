package script

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// ended returns a channel that is closed when a child has ended; it is not
// reaped. pidfd, where the kernel has given one, is closed then.
func ended(pid, pidfd int) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if pidfd >= 0 && pollEnd(pidfd) == nil {
			return
		}
		// Linux before 5.4: costs a thread for as long as the child lives.
		for errors.Is(unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil), unix.EINTR) {
		}
	}()
	return done
}

// pollEnd waits for the end of a process. Like a wait for the network it takes no
// thread: the runtime polls the descriptor.
func pollEnd(pidfd int) error {
	if err := unix.SetNonblock(pidfd, true); err != nil {
		return errors.Join(err, unix.Close(pidfd))
	}
	f := os.NewFile(uintptr(pidfd), "pidfd")
	defer f.Close()
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	return conn.Read(func(fd uintptr) bool {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
		return n > 0 || err != nil && !errors.Is(err, unix.EINTR)
	})
}
