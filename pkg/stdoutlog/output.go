package stdoutlog

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Output is where lines go. It does not use Go's poller, which would make the descriptor
// non-blocking for supervisord too.
type Output struct {
	fd     int
	atomic bool // others write to it too: whole lines must stay whole
}

// OfProcess opens the standard output of another process. A copy of its descriptor is
// best, because it works for sockets too and shares the place in a file. Not every
// container engine allows that. Then it opens a pipe or a terminal once more, which
// works as well.
func OfProcess(pid int) (*Output, error) {
	fd, err := copied(pid)
	if err != nil {
		var openErr error
		if fd, openErr = reopened(pid); openErr != nil {
			return nil, fmt.Errorf("cannot write to the container's standard output: %w; nor can the descriptor be copied: %w", openErr, err)
		}
	}
	return newOutput(fd)
}

// OwnOutput is this process's standard output.
func OwnOutput() (*Output, error) { return newOutput(unix.Stdout) }

func reopened(pid int) (int, error) {
	path := fmt.Sprintf("/proc/%d/fd/%d", pid, unix.Stdout)
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_APPEND|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return fd, nil
}

func copied(pid int) (int, error) {
	process, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return -1, os.NewSyscallError("pidfd_open", err)
	}
	defer unix.Close(process)
	fd, err := unix.PidfdGetfd(process, unix.Stdout, 0)
	return fd, os.NewSyscallError("pidfd_getfd", err)
}

func newOutput(fd int) (*Output, error) {
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return nil, os.NewSyscallError("fstat", err)
	}
	return &Output{fd: fd, atomic: stat.Mode&unix.S_IFMT == unix.S_IFIFO}, nil
}

// IsTerminal reports whether a person may be looking.
func (o *Output) IsTerminal() bool {
	_, err := unix.IoctlGetTermios(o.fd, unix.TCGETS)
	return err == nil
}

// pipeBuf is how many bytes go into a pipe in one piece, even when others write to it at
// the same time; see pipe(7).
const pipeBuf = 4096

// write writes lines, and waits as long as it takes.
func (o *Output) write(lines []byte) error {
	for len(lines) > 0 {
		n := len(lines)
		if o.atomic && n > pipeBuf {
			n = bytes.LastIndexByte(lines[:pipeBuf], '\n') + 1
			if n == 0 { // a line that is longer
				n = bytes.IndexByte(lines, '\n') + 1
			}
		}
		if err := o.writeAll(lines[:n]); err != nil {
			return err
		}
		lines = lines[n:]
	}
	return nil
}

func (o *Output) writeAll(data []byte) error {
	const retry = 500 * time.Millisecond
	for len(data) > 0 {
		n, err := unix.Write(o.fd, data)
		data = data[max(n, 0):]
		switch {
		case err == nil, errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN): // another process that shares the descriptor has made it non-blocking
			_, _ = unix.Poll([]unix.PollFd{{Fd: int32(o.fd), Events: unix.POLLOUT}}, -1)
		case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
			time.Sleep(retry) // the log files keep what is to come
		default:
			return fmt.Errorf("cannot write to the container's standard output: %w", err)
		}
	}
	return nil
}
