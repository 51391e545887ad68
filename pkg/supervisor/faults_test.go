package supervisor

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/abrander/go-supervisord"

	"github.com/ZPascal/container-manager/test/supervisordtest"
	"github.com/ZPascal/container-manager/test/testenv"
)

// listen returns a socket whose connections serve gets.
func listen(t testing.TB, serve func(net.Conn)) Client {
	t.Helper()
	l, err := net.Listen("unix", filepath.Join(testenv.Dir(t), "sock"))
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serve(conn)
		}
	}()
	return AtSocket(l.Addr().String())
}

// answer reads a request and answers it.
func answer(text string) func(net.Conn) {
	return func(conn net.Conn) {
		defer conn.Close()
		if req, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			_, _ = io.Copy(io.Discard, req.Body)
			_, _ = io.WriteString(conn, text)
		}
	}
}

func httpAnswer(body string) func(net.Conn) {
	return answer("HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nConnection: close\r\n\r\n" + body)
}

func TestBrokenSocket(t *testing.T) {
	dir := t.TempDir()
	stale := filepath.Join(dir, "stale")
	l, err := net.Listen("unix", stale)
	must(t, err)
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	must(t, l.Close())
	must(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o600))

	for name, test := range map[string]struct {
		client Client
		want   string
	}{
		"missing":          {AtSocket(filepath.Join(dir, "none")), "supervisord does not run: nothing listens at " + dir + "/none"},
		"refused":          {AtSocket(stale), "supervisord does not run: nothing listens at " + stale},
		"a file":           {AtSocket(filepath.Join(dir, "file")), "supervisord does not run: nothing listens at " + dir + "/file"},
		"closing":          {listen(t, func(c net.Conn) { _ = c.Close() }), "cannot ask supervisord at"},
		"garbage":          {listen(t, answer("\x00\xff garbage\r\n\r\n")), "malformed HTTP"},
		"garbage as HTTP":  {listen(t, httpAnswer("garbage")), "cannot ask supervisord at"},
		"half an answer":   {listen(t, httpAnswer("<methodResponse><params><param><value><array>")), "cannot ask supervisord at"},
		"another answer":   {listen(t, httpAnswer("<methodResponse><params><param><value><int>7</int></value></param></params></methodResponse>")), "cannot ask supervisord at"},
		"no rights":        {listen(t, answer("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")), "401"},
		"a fault, in text": {listen(t, httpAnswer(fault6)), "supervisord refuses: SHUTDOWN_STATE"},
	} {
		t.Run(name, func(t *testing.T) {
			mustFail(t, test.client.Restart(t.Context(), supervisord.ProcessInfo{Name: "app", Group: "app"}), test.want)
			mustFail(t, test.client.Stop(t.Context(), supervisord.ProcessInfo{Name: "app", Group: "app"}), test.want)
		})
	}
}

const fault6 = `<?xml version='1.0'?><methodResponse><fault><value><struct><member><name>faultCode</name><value><int>6</int></value></member><member><name>faultString</name><value><string>SHUTDOWN_STATE</string></value></member></struct></value></fault></methodResponse>`

func TestHangingSocket(t *testing.T) {
	c := listen(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	err := c.call(t.Context(), 50*time.Millisecond, answered)
	mustFail(t, err, "did not answer within 50ms")

	gone := errors.New("time is up")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, gone)
	defer cancel()
	if err := c.Restart(ctx, supervisord.ProcessInfo{Name: "app", Group: "app"}); !errors.Is(err, gone) {
		t.Errorf("error %v, want the context's cause", err)
	}
}

func TestEndlessAnswer(t *testing.T) {
	testenv.NotQuick(t)
	c := listen(t, func(conn net.Conn) {
		defer conn.Close()
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
			return
		}
		_, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<methodResponse>")
		for chunk := strings.Repeat("x", 64<<10); err == nil; {
			_, err = io.WriteString(conn, chunk)
		}
	})
	mustFail(t, c.Restart(t.Context(), supervisord.ProcessInfo{Name: "app", Group: "app"}), "supervisord at")
}

func TestNoGoroutineIsLeft(t *testing.T) {
	hanging := listen(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	garbage := listen(t, httpAnswer("garbage"))
	before := runtime.NumGoroutine()
	for range 20 {
		mustFail(t, hanging.call(t.Context(), 5*time.Millisecond, answered), "did not answer")
		mustFail(t, garbage.call(t.Context(), time.Hour, answered), "cannot ask")
	}
	testenv.WaitFor(t, "all goroutines have ended", func() bool { return runtime.NumGoroutine() <= before })
}

func TestSupervisordEnds(t *testing.T) {
	s := supervisordtest.Start(t, `
[program:stubborn]
command = /bin/sh -c "trap '' TERM; while :; do sleep 0.05; done"
startsecs = 0
stopwaitsecs = 2
killasgroup = true
`)
	c := clientOf(t, s)
	waitStubborn(t, c)
	s.Signal(syscall.SIGTERM)
	var err error
	testenv.WaitFor(t, "it refuses a restart", func() bool {
		err = c.Restart(t.Context(), supervisord.ProcessInfo{Name: "stubborn", Group: "stubborn"})
		return err != nil
	})
	var fault *Fault
	if !errors.As(err, &fault) || fault.Code != FaultShutdownState {
		t.Errorf("error %v, want fault SHUTDOWN_STATE", err)
	}
	<-s.Exited()
	mustFail(t, c.Restart(t.Context(), supervisord.ProcessInfo{Name: "stubborn", Group: "stubborn"}), "supervisord does not run")
}

func TestSupervisordReloads(t *testing.T) {
	s := supervisordtest.Start(t, "[program:app]\ncommand = /bin/sleep 1000\nstartsecs = 0\n")
	c := clientOf(t, s)
	waitState(t, c, "app", "RUNNING")
	before := states(t, c, "app")[0].Pid
	s.Signal(syscall.SIGHUP)
	// Whatever it finds on the way is an answer or an error, and in the end the
	// program runs.
	testenv.WaitFor(t, "it is restarted by a supervisord that has reloaded", func() bool {
		if err := c.Restart(t.Context(), supervisord.ProcessInfo{Name: "app", Group: "app"}); err != nil {
			return false
		}
		return strings.Count(s.Log(), "supervisord started with pid") == 2
	})
	if p := states(t, c, "app")[0]; p.StateName != "RUNNING" || p.Pid == before {
		t.Errorf("app is %s, process %d, it was process %d", p.StateName, p.Pid, before)
	}
}

// answered is a call for anything at all.
func answered(s *supervisord.Client) error {
	_, err := s.GetPID()
	return err
}
