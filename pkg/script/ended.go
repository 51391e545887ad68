package script

import (
	"context"
	"errors"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/proc"
)

// ended returns a channel that is closed when a child has ended. It does not reap the
// child. It closes pidfd, which is negative when the kernel has given none.
func ended(pid, pidfd int) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if pidfd >= 0 && proc.AwaitEnd(context.Background(), pidfd) == nil {
			return
		}
		// Linux before 5.4: costs a thread for as long as the child lives.
		for errors.Is(unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil), unix.EINTR) {
		}
	}()
	return done
}
