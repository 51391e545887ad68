// Package supervisordtest runs a real supervisord for tests.
package supervisordtest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ZPascal/container-manager/test/testenv"
)

// Server is a supervisord that ends with its test.
type Server struct {
	Dir    string // of its files, private
	Conf   string // its configuration
	Socket string

	t      testing.TB
	cmd    *exec.Cmd
	exited chan struct{}
}

const global = `[unix_http_server]
file = %[1]s/sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisord]
nodaemon = true
pidfile = %[1]s/pid
logfile = %[1]s/log
childlogdir = %[1]s
%[2]s
`

// Start starts a supervisord and waits until it listens. The sections are added
// to its configuration; in them, DIR stands for its directory.
func Start(t testing.TB, sections string) *Server {
	t.Helper()
	testenv.NotQuick(t)
	s := New(t, sections)
	s.cmd = exec.Command("supervisord", "-n", "-c", s.Conf)
	s.cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/bin")
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = s.cmd.Wait()
		close(s.exited)
	}()
	t.Cleanup(s.end)
	testenv.WaitFor(t, "supervisord listens", func() bool {
		conn, err := net.Dial("unix", s.Socket)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	return s
}

// New makes the files of a supervisord that does not run.
func New(t testing.TB, sections string) *Server {
	t.Helper()
	// A socket's path is short: a test's own directory may lie too deep.
	dir, err := os.MkdirTemp("", "sv")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &Server{Dir: dir, Conf: filepath.Join(dir, "conf"), Socket: filepath.Join(dir, "sock"), t: t, exited: make(chan struct{})}
	conf := fmt.Sprintf(global, dir, strings.ReplaceAll(sections, "DIR", dir))
	if err := os.WriteFile(s.Conf, []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	return s
}

// Signal sends supervisord a signal.
func (s *Server) Signal(signal syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(signal); err != nil {
		s.t.Fatal(err)
	}
}

// PID is supervisord's process id.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Log returns what supervisord has logged.
func (s *Server) Log() string {
	data, _ := os.ReadFile(filepath.Join(s.Dir, "log"))
	return string(data)
}

// Exited is closed when supervisord has ended.
func (s *Server) Exited() <-chan struct{} { return s.exited }

// end stops supervisord and its programs.
func (s *Server) end() {
	_ = s.cmd.Process.Signal(syscall.SIGCONT)
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	wake := time.NewTicker(10 * time.Millisecond)
	defer wake.Stop()
	late := time.After(5 * time.Minute)
	for {
		select {
		case <-s.exited:
			if s.t.Failed() {
				lines := strings.SplitAfter(s.Log(), "\n")
				s.t.Logf("the end of supervisord's log:\n%s", strings.Join(lines[max(0, len(lines)-40):], ""))
			}
			return
		case <-late:
			s.t.Errorf("supervisord does not end; its log:\n%s", s.Log())
			_ = s.cmd.Process.Kill()
			return
		case <-wake.C: // a connection wakes it from its poll
			if conn, err := net.Dial("unix", s.Socket); err == nil {
				_ = conn.Close()
			}
		}
	}
}
