package log

import (
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// output writes lines to a file past the package os, which ends the process when nobody
// reads its standard output or standard error any more. Asking for SIGPIPE prevents that
// too, but takes longer than all the lines of a start.
type output struct {
	*os.File
	mu sync.Mutex // a long line may take several calls
}

func (o *output) Write(line []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for rest := line; len(rest) > 0; {
		n, err := unix.Write(int(o.Fd()), rest)
		switch err {
		case nil:
			rest = rest[n:]
		case unix.EINTR:
		case unix.EAGAIN: // the other end of the pipe or the terminal was made non-blocking
			_, _ = unix.Poll([]unix.PollFd{{Fd: int32(o.Fd()), Events: unix.POLLOUT}}, -1)
		default:
			return len(line), nil // there is no other place where this could be told
		}
	}
	return len(line), nil
}
