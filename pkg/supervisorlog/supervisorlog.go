// Package supervisorlog reads how programs ended from supervisord's own log.
// supervisord's interface says -1 for a program that a signal ended, and nothing
// for one that did not stay up. Only its log says by which signal, or with which
// status (decode_wait_status in supervisor/options.py, finish in
// supervisor/process.py):
//
//	2026-03-01 12:00:00,000 WARN exited: app (terminated by SIGKILL; not expected)
//	2026-03-01 12:00:00,000 INFO stopped: app (exit status 0)
package supervisorlog

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// End is how a process ended.
type End struct {
	Status int            // its exit status, unless a signal ended it
	Signal syscall.Signal // 0 when none did
	// Stopped says that supervisord was asked to stop it.
	Stopped bool
	Stamp   string // date and time as the log has them
}

// ExitStatus is the end as a shell tells it: 128 and the signal for one that a
// signal ended.
func (e End) ExitStatus() int {
	if e.Signal != 0 {
		return 128 + int(e.Signal)
	}
	return e.Status
}

// String is the end for people, as in "app exited 1".
func (e End) String() string {
	switch name := unix.SignalName(e.Signal); {
	case name != "":
		return "was ended by " + name
	case e.Signal != 0:
		return fmt.Sprintf("was ended by signal %d", int(e.Signal))
	}
	return fmt.Sprintf("exited %d", e.Status)
}

// What supervisord says before the name of a process that has ended.
const (
	exited  = " exited: "
	stopped = " stopped: "
)

// LastEnd returns the last end of a process in supervisord's log.
func LastEnd(log []byte, process string) (end End, known bool) {
	for line := range bytes.Lines(log) {
		for _, verb := range []string{exited, stopped} {
			head, rest, ok := strings.Cut(string(line), verb+process+" (")
			if !ok || strings.Count(head, " ") != 2 { // date, time, level
				continue
			}
			if e, ok := parse(rest); ok {
				e.Stopped = verb == stopped
				e.Stamp = strings.TrimRight(head[:strings.LastIndexByte(head, ' ')], " ")
				end, known = e, true
			}
		}
	}
	return end, known
}

// recent is how much of a log is searched for an end that it tells of just now.
const recent = 32 << 10

// LastOf returns the last end of a process that the end of a log file tells of, since
// supervisord was started last. Without a log file it is not known.
func LastOf(logFile, process string) (end End, known bool) {
	tail := readFrom(logFile, 0, recent)
	return LastEnd(tail[max(0, bytes.LastIndex(tail, []byte(" supervisord started with pid "))):], process)
}

// parse parses how a process ended, as in "exit status 3; not expected)".
func parse(how string) (end End, known bool) {
	if code, ok := strings.CutPrefix(how, "exit status "); ok {
		status, ok := number(code)
		return End{Status: status}, ok
	}
	signal, ok := strings.CutPrefix(how, "terminated by ")
	if !ok {
		return End{}, false
	}
	if code, ok := strings.CutPrefix(signal, "signal "); ok {
		n, ok := number(code)
		return End{Signal: syscall.Signal(n)}, ok
	}
	name, _, _ := strings.Cut(strings.TrimRight(signal, ")\n"), ";")
	name, _, _ = strings.Cut(name, " ")
	n := signalNumber(name)
	return End{Signal: n}, n != 0
}

// number parses the number that a text begins with.
func number(text string) (int, bool) {
	digits := len(text) - len(strings.TrimLeft(text, "0123456789"))
	n, err := strconv.Atoi(text[:digits])
	return n, err == nil
}

// signalNumber returns the number of a signal by its name in Python, which has several
// names for some.
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

// Mark is a place in a log: its end at some time.
type Mark struct {
	path string
	from int64
}

// maxTail bounds how much is read behind a mark: the line that is looked for is near the
// end.
const maxTail = 4 << 20

// MarkEnd returns the place where the log ends now.
func MarkEnd(path string) Mark {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return Mark{path: path}
	}
	return Mark{path, info.Size()}
}

// Read returns what the log holds behind the mark. When the log has been rotated
// since, it goes on in the new file.
func (m Mark) Read() []byte {
	info, err := os.Stat(m.path)
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	if info.Size() >= m.from {
		return readFrom(m.path, m.from, maxTail)
	}
	return bytes.Join([][]byte{readFrom(m.path+".1", m.from, maxTail), readFrom(m.path, 0, maxTail)}, nil)
}

// readFrom reads a file from a place on, but at most the last bytes of it.
func readFrom(path string, from, most int64) []byte {
	info, err := os.Stat(path) // before it is opened: a pipe would wait for a writer
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	data, _ := io.ReadAll(io.NewSectionReader(f, max(from, info.Size()-most), most))
	return data
}
