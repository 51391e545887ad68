// Package redistest runs a real redis-server for tests.
package redistest

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/ZPascal/container-manager/test/testenv"
)

// Options are what a server is started with.
type Options struct {
	Password  string // none by default
	TLS       bool   // speak nothing else; CAFile signs for it
	MaxMemory string // refuse writes above it: 3mb
}

// Server is a redis-server on a port of its own of 127.0.0.1, which ends with its
// test. What it was told survives Stop.
type Server struct {
	Port   string
	CAFile string // the certificate that signs for the server's

	t       testing.TB
	dir     string
	options Options
	roots   *x509.CertPool
	cmd     *exec.Cmd
	conn    redis.Conn // nil until it is needed
}

// New returns a server that does not run yet.
func New(t testing.TB, o Options) *Server {
	t.Helper()
	s := &Server{t: t, dir: testenv.Dir(t), options: o}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, s.Port, _ = net.SplitHostPort(listener.Addr().String())
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if o.TLS {
		s.CAFile, s.roots = certify(t, s.dir)
	}
	testenv.Write(t, filepath.Join(s.dir, "conf"), s.conf(), 0o600)
	return s
}

// Start returns a server that runs.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s := New(t, o)
	s.Start()
	return s
}

func (s *Server) conf() string {
	lines := []string{
		"bind 127.0.0.1", "dir " + s.dir, "logfile log", "save \"\"", "appendonly yes",
		"appendfsync no", // else Redis may answer before it has written, and a kill would lose that
		"maxmemory-policy noeviction",
		"requirepass " + quoted(s.options.Password),
	}
	if s.options.MaxMemory != "" {
		lines = append(lines, "maxmemory "+s.options.MaxMemory)
	}
	if s.options.TLS {
		lines = append(lines, "port 0", "tls-port "+s.Port, "tls-cert-file cert.pem", "tls-key-file key.pem", "tls-ca-cert-file ca.pem", "tls-auth-clients no")
	} else {
		lines = append(lines, "port "+s.Port)
	}
	return strings.Join(lines, "\n") + "\n"
}

// quoted writes a value for redis.conf, whatever bytes it has.
func quoted(value string) string {
	var b strings.Builder
	for _, c := range []byte(value) {
		fmt.Fprintf(&b, `\x%02x`, c)
	}
	return `"` + b.String() + `"`
}

// Start starts the server and waits until it answers.
func (s *Server) Start() {
	s.t.Helper()
	s.cmd = exec.Command("redis-server", filepath.Join(s.dir, "conf"))
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(s.Stop)
	testenv.WaitFor(s.t, "redis-server answers", func() bool {
		conn, err := s.dial()
		if err != nil {
			return false
		}
		defer conn.Close()
		_, err = conn.Do("PING")
		return err == nil
	})
}

// Stop ends the server, if it runs, in order.
func (s *Server) Stop() {
	if s.cmd == nil {
		return
	}
	s.hangUp()
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	if err := s.cmd.Wait(); err != nil {
		s.t.Errorf("redis-server: %v", err)
	}
	s.cmd = nil
}

// Kill ends the server as kill -9 does. It keeps what it has acknowledged.
func (s *Server) Kill() {
	s.hangUp()
	s.Signal(syscall.SIGKILL)
	_ = s.cmd.Wait()
	s.cmd = nil
}

// Signal sends the server a signal: SIGSTOP, and nobody gets an answer any more.
func (s *Server) Signal(signal syscall.Signal) { _ = s.cmd.Process.Signal(signal) }

func (s *Server) dial() (redis.Conn, error) {
	return redis.Dial("tcp", "127.0.0.1:"+s.Port, redis.DialPassword(s.options.Password), redis.DialConnectTimeout(time.Minute),
		redis.DialUseTLS(s.options.TLS), redis.DialTLSConfig(&tls.Config{RootCAs: s.roots}))
}

// SetPassword gives the server another password while it runs.
func (s *Server) SetPassword(password string) {
	s.t.Helper()
	s.Do(0, "CONFIG", "SET", "requirepass", password)
	s.options.Password = password
	s.hangUp() // the next command shows whether it holds
}

// Do sends the server a command, in database db.
func (s *Server) Do(db int, command string, args ...any) any {
	s.t.Helper()
	if s.conn == nil {
		conn, err := s.dial()
		if err != nil {
			s.t.Fatal(err)
		}
		s.conn = conn
	}
	if _, err := s.conn.Do("SELECT", db); err != nil {
		s.t.Fatal(err)
	}
	reply, err := s.conn.Do(command, args...)
	if err != nil {
		s.t.Fatalf("redis-server: %s: %v", command, err)
	}
	return reply
}

func (s *Server) hangUp() {
	if s.conn != nil {
		_ = s.conn.Close()
		s.conn = nil
	}
}

// Len returns how long a list of database 0 is.
func (s *Server) Len(key string) int {
	s.t.Helper()
	n, err := redis.Int(s.Do(0, "LLEN", key), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// List returns the entries of a list of database db.
func (s *Server) List(db int, key string) []string {
	s.t.Helper()
	return s.ListFrom(db, key, 0)
}

// ListFrom returns those behind the first n.
func (s *Server) ListFrom(db int, key string, n int) []string {
	s.t.Helper()
	all, err := redis.Strings(s.Do(db, "LRANGE", key, n, -1), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}

// Log returns what the server has logged.
func (s *Server) Log() string {
	data, _ := os.ReadFile(filepath.Join(s.dir, "log"))
	return string(data)
}
