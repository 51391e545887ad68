// Package script runs one executable to its end: in a process group of its own,
// with its output streamed line by line, a time limit, and its last lines in the
// error.
package script

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Command is an executable to run to its end.
type Command struct {
	Path string
	Args []string // without the path itself
	Env  []string // NAME=value; nil means this process's own
	Dir  string   // empty means this process's own
	// Stdin is the standard input; nil is nothing to read.
	Stdin *os.File
	// Output is called for every line of standard output and error, as they
	// come and without the line end. Lines above 64 KiB come in pieces.
	Output func(line string)
	// Started is called with the process id as soon as the command runs.
	Started func(pid int)
	// Timeout ends the command; 0 means no limit.
	Timeout time.Duration
	// Grace is the time between SIGTERM and SIGKILL to the process group when
	// ctx is done or the time is up; DefaultGrace when 0.
	Grace time.Duration
	// EndOnFailure ends what a command that failed left in the background, with
	// the same grace.
	EndOnFailure bool
	// Session makes the command the leader of a new session instead of just a
	// process group, so that it outlives what started it.
	Session bool
}

// DefaultGrace leaves a process time to clean up, within the 10 seconds that
// container engines give by default.
const DefaultGrace = 4 * time.Second

const (
	maxLine  = 64 << 10 // bounds the memory that endless output can take
	maxDrain = 1 << 20  // bounds what is read after the end; a pipe holds 64 KiB
)

// Run runs the command. It returns once the process has ended: what it left
// running in the background keeps running, whether or not it still holds the
// output open. When ctx is done or the time is up, the whole process group gets
// SIGTERM, and what is left of it after Grace SIGKILL; Run then returns once the
// group is empty or was killed. The error is an *Error, unless ctx was done: then
// it is ctx's cause.
func (c Command) Run(ctx context.Context) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	cmd, pidfd, err := c.start(w)
	_ = w.Close()
	if err != nil {
		return &Error{Path: c.Path, Err: notStarted(c.Path, err)}
	}

	if c.Started != nil {
		c.Started(cmd.Process.Pid)
	}

	tail := &tail{}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		copyLines(r, func(line string) {
			tail.add(line)
			if c.Output != nil {
				c.Output(line)
			}
		})
	}()

	pid := cmd.Process.Pid
	end := ended(pid, pidfd)
	cancelled, timedOut := c.wait(ctx.Done(), end)
	var waitErr error
	if cancelled || timedOut {
		waitErr = c.endGroup(pid, end, cmd.Wait)
	} else if waitErr = cmd.Wait(); waitErr != nil && c.EndOnFailure {
		waitErr = c.endGroup(pid, end, func() error { return waitErr })
	}
	_ = r.SetReadDeadline(time.Unix(1, 0)) // stop waiting for more; copyLines takes what is there
	<-drained

	switch {
	case cancelled:
		return context.Cause(ctx)
	case timedOut:
		return &Error{Path: c.Path, Timeout: c.Timeout, Tail: tail.lines}
	case waitErr != nil:
		return newError(c.Path, waitErr, tail.lines)
	}
	return nil
}

// start starts the process, and returns a descriptor that tells of its end, or -1 where
// there is none. qemu, which runs programs for another processor, refuses to start a
// process with one. It is started without.
func (c Command) start(output *os.File) (cmd *exec.Cmd, pidfd int, err error) {
	for _, descriptor := range []*int{&pidfd, nil} {
		cmd, pidfd = exec.Command(c.Path, c.Args...), -1
		cmd.Env, cmd.Dir = c.Env, c.Dir
		if c.Stdin != nil {
			cmd.Stdin = c.Stdin
		}
		cmd.Stdout, cmd.Stderr = output, output
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: !c.Session, Setsid: c.Session, PidFD: descriptor}
		if err = cmd.Start(); !errors.Is(err, syscall.EINVAL) {
			break
		}
	}
	return cmd, pidfd, err
}

// wait returns when the process has ended, or is to be ended.
func (c Command) wait(done, ended <-chan struct{}) (cancelled, timedOut bool) {
	var timeout <-chan time.Time
	if c.Timeout > 0 {
		timer := time.NewTimer(c.Timeout)
		defer timer.Stop()
		timeout = timer.C
	}
	select {
	case <-ended:
		return false, false
	case <-done:
		return true, false
	case <-timeout:
		return false, true
	}
}

// copyLines calls line for every line of r until its end, or until its read
// deadline passes and what was written before is read.
func copyLines(r *os.File, line func(string)) {
	buf := bufio.NewReaderSize(&drainer{File: r, left: maxDrain}, maxLine)
	for {
		piece, err := buf.ReadSlice('\n')
		if len(piece) > 0 {
			line(trimEOL(piece))
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}

// drainer reads a pipe whose writers may never close it. Once the deadline has
// passed, a read that would block is the end, and so is the left-th byte.
type drainer struct {
	*os.File
	left int
}

func (d *drainer) Read(p []byte) (n int, err error) {
	n, err = d.File.Read(p)
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return n, err
	}
	if d.left <= 0 {
		return 0, io.EOF
	}
	_ = d.SetReadDeadline(time.Time{}) // the raw read below refuses to start after a deadline
	defer func() { _ = d.SetReadDeadline(time.Unix(1, 0)) }()
	conn, err := d.SyscallConn()
	if err != nil {
		return 0, err
	}
	rawErr := conn.Read(func(fd uintptr) bool {
		n, err = unix.Read(int(fd), p)
		return true
	})
	if rawErr != nil || err != nil || n <= 0 {
		return 0, io.EOF
	}
	d.left -= n
	return n, nil
}

func trimEOL(line []byte) string {
	n := len(line)
	if n > 0 && line[n-1] == '\n' {
		n--
		if n > 0 && line[n-1] == '\r' {
			n--
		}
	}
	return string(line[:n])
}
