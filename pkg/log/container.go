package log

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// ToContainer returns a writer for the few lines that belong into `docker logs` although a
// program of supervisord says them. It writes each line to own, the program's own log, and
// then to the standard error of supervisord, which is that of the container. pidFile is
// IMAGE_SUPERVISOR_PIDFILE.
//
// A write never waits for a reader, and never fails for the container's sake. A line is
// lost there, not in own, when nobody reads and the pipe is full, when supervisord does not
// run, or when this process may not look at supervisord's descriptors. Lines of several
// processes do not mix. One that is longer than 4,096 bytes is cut off. Nothing is kept
// open between two lines. Where own is the container's standard error, the line comes once.
func ToContainer(own io.Writer, pidFile string) io.Writer { return toContainer{own, pidFile} }

type toContainer struct {
	own     io.Writer
	pidFile string
}

func (w toContainer) Write(line []byte) (int, error) {
	n, err := w.own.Write(line)
	if pid, pidErr := readPID(w.pidFile); pidErr == nil {
		_ = tell(pid, w.own, whole(line))
	}
	return n, err
}

// pipeBuf is how many bytes go into a pipe in one piece, or not at all; see pipe(7).
const pipeBuf = 4096

// whole returns a line that fits into a pipe in one piece.
func whole(line []byte) []byte {
	if len(line) <= pipeBuf {
		return line
	}
	return append(bytes.ToValidUTF8(bytes.Clone(line[:pipeBuf-1]), nil), '\n')
}

// readPID reads the id of a process whose descriptors this process may write to. The pid
// file lies where everybody may write. So it has to be this user's or root's, and so has
// the process: otherwise somebody could have root write to a file of their choice.
func readPID(path string) (int, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	var file, process unix.Stat_t
	if err := unix.Fstat(fd, &file); err != nil {
		return 0, err
	}
	data := make([]byte, 32)
	n, err := f.Read(data)
	if err != nil {
		return 0, err
	}
	pid, err := strconv.Atoi(string(bytes.TrimSpace(data[:n])))
	if err != nil {
		return 0, err
	}
	if err := unix.Stat(fmt.Sprintf("/proc/%d", pid), &process); err != nil {
		return 0, err
	}
	if !isTrusted(file.Uid) || !isTrusted(process.Uid) {
		return 0, errors.New("belongs to another user")
	}
	return pid, nil
}

func isTrusted(uid uint32) bool { return uid == 0 || int(uid) == os.Geteuid() }

// tell writes a line to the standard error of a process, unless that is own.
func tell(pid int, own io.Writer, line []byte) error {
	path := fmt.Sprintf("/proc/%d/fd/%d", pid, unix.Stderr)
	there, err := os.Stat(path)
	if err != nil || isFile(own, there) {
		return err
	}
	if kind := there.Mode().Type(); kind == 0 || kind == os.ModeSocket {
		if fd, err := copyOf(pid); err == nil {
			defer unix.Close(fd)
			if kind == os.ModeSocket {
				return unix.Sendto(fd, line, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, nil)
			}
			_, err = unix.Write(fd, line)
			return err
		}
	}
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_APPEND|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	_, err = unix.Write(fd, line)
	return err
}

func isFile(w io.Writer, info os.FileInfo) bool {
	f, ok := w.(interface{ Stat() (os.FileInfo, error) })
	if !ok {
		return false
	}
	own, err := f.Stat()
	return err == nil && os.SameFile(own, info)
}

// copyOf returns a copy of the standard error of a process. It shares the place in a file,
// and works for sockets, which cannot be opened. Not every container engine and kernel
// allows it. A pipe is opened anew instead, because O_NONBLOCK on a copy would hold for
// supervisord too.
func copyOf(pid int) (int, error) {
	process, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return -1, err
	}
	defer unix.Close(process)
	return unix.PidfdGetfd(process, unix.Stderr, 0)
}
