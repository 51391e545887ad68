package stdoutlog

import (
	"bytes"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/config"
)

// Teller writes single lines to the container's standard output, for what a person is to
// see in `docker logs`. It never waits: when nobody reads, the line is lost, and whoever
// writes it has its own log too. So it is for a line now and then.
type Teller struct{ pid int }

// NewTeller returns a teller for the standard output of supervisord.
func NewTeller(c config.Config) Teller {
	text, _ := os.ReadFile(c.PIDFile)
	pid, err := strconv.Atoi(string(bytes.TrimSpace(text)))
	if err != nil || pid < 1 {
		pid = 1
	}
	return Teller{pid}
}

// Write implements io.Writer. It reports no errors, because nothing depends on it.
func (t Teller) Write(line []byte) (int, error) {
	tell(t.pid, line)
	return len(line), nil
}

func tell(pid int, line []byte) {
	if len(line) > pipeBuf { // more would not go into a pipe in one piece
		line = append(bytes.Clone(line[:pipeBuf-1]), '\n')
	}
	// Opened once more, a pipe or a terminal is non-blocking for this process alone.
	path := fmt.Sprintf("/proc/%d/fd/%d", pid, unix.Stdout)
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_APPEND|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err == nil {
		_, _ = unix.Write(fd, line)
		_ = unix.Close(fd)
		return
	}
	if fd, err = copied(pid); err != nil {
		return
	}
	defer unix.Close(fd)
	if unix.Sendto(fd, line, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, nil) == nil {
		return
	}
	// It is no socket. A pipe that poll calls writable has room for a line.
	ready := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
	if n, err := unix.Poll(ready, 0); n == 1 && err == nil && ready[0].Revents&unix.POLLOUT != 0 {
		_, _ = unix.Write(fd, line)
	}
}
