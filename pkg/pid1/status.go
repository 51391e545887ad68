package pid1

import (
	"bytes"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// supervisord's interface says -1 for a program that a signal ended, and nothing for
// one that did not stay up. Only its log says by which signal, or with which status (decode_wait_status in
// supervisor/options.py, finish in supervisor/process.py):
//
//	2026-03-01 12:00:00,000 WARN exited: app (terminated by SIGKILL; not expected)
//	2026-03-01 12:00:00,000 INFO stopped: app (exit status 0)

// exitFailed is the exit status of a container whose main program failed with a
// status that is not known, or is 0.
const exitFailed = 1

// status is the exit status of the container.
func (p Init) status(log logTail, main end, supervisord unix.WaitStatus) int {
	_, process, qualified := strings.Cut(p.Program, ":")
	if !qualified {
		process = p.Program
	}
	status, known := lastStatus(log.read(), process)
	switch {
	case !known && main.status > 0:
		status = main.status
	case !known && main.status < 0:
		p.Log.Error().Msgf("a signal ended %s, and supervisord's log %s does not tell which", p.Program, p.LogFile)
		status = exitFailed
	case !known && main == end{}: // supervisord ended before the program did anything
		status = exitStatus(supervisord)
	}
	if main.failed && status == 0 {
		status = exitFailed
	}
	return status
}

func exitStatus(s unix.WaitStatus) int {
	if s.Signaled() {
		return 128 + int(s.Signal())
	}
	return s.ExitStatus()
}

// lastStatus returns the exit status of the last end of a process that
// supervisord's log tells of.
func lastStatus(log []byte, process string) (status int, known bool) {
	for line := range bytes.Lines(log) {
		for _, verb := range []string{" exited: ", " stopped: "} {
			head, rest, ok := strings.Cut(string(line), verb+process+" (")
			if !ok || strings.Count(head, " ") != 2 { // date, time, level
				continue
			}
			if s, ok := parseEnd(rest); ok {
				status, known = s, true
			}
		}
	}
	return status, known
}

// parseEnd parses how a process ended, as in "exit status 3; not expected)".
func parseEnd(how string) (status int, known bool) {
	if code, ok := strings.CutPrefix(how, "exit status "); ok {
		return number(code)
	}
	signal, ok := strings.CutPrefix(how, "terminated by ")
	if !ok {
		return 0, false
	}
	if code, ok := strings.CutPrefix(signal, "signal "); ok {
		status, known = number(code)
	} else {
		name, _, _ := strings.Cut(strings.TrimRight(signal, ")\n"), ";")
		name, _, _ = strings.Cut(name, " ")
		status = int(signalNumber(name))
		known = status != 0
	}
	return 128 + status, known
}

// number parses the number that a text begins with.
func number(text string) (int, bool) {
	digits := len(text) - len(strings.TrimLeft(text, "0123456789"))
	n, err := strconv.Atoi(text[:digits])
	return n, err == nil
}

// signalNumber knows the names that Python has for signals: several for some.
func signalNumber(name string) syscall.Signal {
	switch name {
	case "SIGCLD":
		return unix.SIGCHLD
	case "SIGIOT":
		return unix.SIGABRT
	case "SIGPOLL":
		return unix.SIGIO
	case "SIGRTMIN":
		return 34
	case "SIGRTMAX":
		return 64
	}
	return unix.SignalNum(name)
}

// logTail is what a log file holds beyond what it held when it was opened.
type logTail struct {
	path string
	from int64
}

// maxTail bounds what is read of it; the end of the main program is near the end
// of the log.
const maxTail = 4 << 20

func openLog(path string) logTail {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return logTail{path: path}
	}
	return logTail{path, info.Size()}
}

// read returns the tail. When the log has been rotated since, it goes on in the
// new file.
func (l logTail) read() []byte {
	info, err := os.Stat(l.path)
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	if info.Size() >= l.from {
		return readFrom(l.path, l.from)
	}
	return bytes.Join([][]byte{readFrom(l.path+".1", l.from), readFrom(l.path, 0)}, nil)
}

func readFrom(path string, from int64) []byte {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil {
		from = max(from, info.Size()-maxTail)
	}
	data, _ := io.ReadAll(io.NewSectionReader(f, from, maxTail))
	return data
}
