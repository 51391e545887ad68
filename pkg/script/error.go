package script

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/fsutil"
)

// Error is how a command failed: exactly one of Status, Signal, Timeout and Err
// is set.
type Error struct {
	Path    string
	Status  int            // exit status
	Signal  syscall.Signal // the signal that ended it
	Timeout time.Duration  // the limit that it exceeded
	Err     error          // why it could not be started
	Tail    []string       // the last lines of its output, oldest first
}

func newError(path string, waitErr error, tail []string) *Error {
	e := &Error{Path: path, Tail: tail}
	exit, ok := errors.AsType[*exec.ExitError](waitErr)
	if !ok {
		e.Err = waitErr
		return e
	}
	if status := exit.Sys().(syscall.WaitStatus); status.Signaled() {
		e.Signal = status.Signal()
	} else {
		e.Status = status.ExitStatus()
	}
	return e
}

// ELFMagic begins a program; see elf(5).
const ELFMagic = "\x7fELF"

// notStarted explains "no such file" for a program that is there. It is the
// program's loader that is missing.
func notStarted(path string, err error) error {
	err = fsutil.Cause(err)
	if !errors.Is(err, unix.ENOENT) {
		return err
	}
	if head, readErr := fsutil.ReadHead(path, len(ELFMagic)); readErr != nil || string(head) != ELFMagic {
		return err
	}
	return fmt.Errorf("its loader is missing: was it built for another C library (glibc or musl)? (%w)", err)
}

func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("cannot start %s: %v", e.Path, e.Err)
	}
	output := "without output"
	if len(e.Tail) > 0 {
		output = "last output: " + strings.Join(e.Tail, " | ")
	}
	return fmt.Sprintf("%s %s, %s", e.Path, e.How(), output)
}

// How says how the command ended, without its output.
func (e *Error) How() string {
	switch {
	case e.Timeout > 0:
		return fmt.Sprintf("did not end within %s and was killed", e.Timeout)
	case e.Signal != 0:
		return "was ended by " + unix.SignalName(e.Signal)
	}
	return fmt.Sprintf("ended with exit status %d", e.Status)
}

func (e *Error) Unwrap() error { return e.Err }

// The tail is short because it becomes part of one line; the log has the rest.
const (
	tailLines = 5
	tailWidth = 300
)

type tail struct{ lines []string }

func (t *tail) add(line string) {
	line = strings.TrimSpace(line)
	if line == "" {
		return
	}
	if len(line) > tailWidth {
		line = strings.ToValidUTF8(line[:tailWidth], "") + "..."
	}
	if len(t.lines) == tailLines {
		t.lines = append(t.lines[:0], t.lines[1:]...)
	}
	t.lines = append(t.lines, line)
}
