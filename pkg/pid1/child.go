package pid1

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/log"
)

// child is supervisord.
type child struct {
	pid    int
	status unix.WaitStatus // once it has ended
	log    log.Logger
}

// reap reaps everything that has ended, and reports whether supervisord has.
func (c *child) reap() (ended bool) {
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, unix.WNOHANG, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil || pid == 0:
			return ended
		case pid == c.pid:
			c.status, ended = status, true
		}
	}
}

// forward sends supervisord a signal, unless supervisord does not handle it. The kernel
// would drop such a signal for the first process of a container. Here supervisord is not
// the first, so it would die and leave its programs behind.
func (c *child) forward(s syscall.Signal) {
	if !endsSupervisord(s) && !catches(c.pid, s) {
		c.log.Debug().Msgf("%s is ignored: supervisord does not handle it", name(s))
		return
	}
	if err := unix.Kill(c.pid, s); err != nil {
		c.log.Warn().Msgf("cannot send %s to supervisord: %v", name(s), err)
	}
}

func name(s syscall.Signal) string {
	if text := unix.SignalName(s); text != "" {
		return text
	}
	return fmt.Sprintf("signal %d", int(s))
}

// catches reports whether a process has a handler for a signal: SigCgt in
// /proc/PID/status, a bit for each; see proc(5).
func catches(pid int, s syscall.Signal) bool {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return false
	}
	for line := range bytes.Lines(data) {
		if mask, ok := strings.CutPrefix(string(line), "SigCgt:"); ok {
			bits, err := strconv.ParseUint(strings.TrimSpace(mask), 16, 64)
			return err == nil && bits&(1<<(s-1)) != 0
		}
	}
	return false
}

// forwarded returns the signals that are handed on. It leaves out those that cannot be
// caught, those about our own children and faults, and those that Go's runtime uses.
func forwarded() []os.Signal {
	const last = 64
	var signals []os.Signal
	for s := syscall.Signal(1); s <= last; s++ {
		switch s {
		case unix.SIGKILL, unix.SIGSTOP, unix.SIGCHLD, unix.SIGPIPE, unix.SIGURG,
			unix.SIGSEGV, unix.SIGBUS, unix.SIGFPE, unix.SIGILL, unix.SIGTRAP,
			32, 33: // the C library's own
		default:
			signals = append(signals, s)
		}
	}
	return signals
}
