package cli

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/test/testenv"
)

func TestWait(t *testing.T) {
	testenv.NotQuick(t)
	c := newContainer(t, "IMAGE_CRON_ENABLED=false")
	file := c.Path("there")
	testenv.Write(t, file, "", 0o644)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	open := listener.Addr().String()

	for _, test := range []struct {
		code int
		text string
		args []string
	}{
		{0, "", []string{"file", file}},
		{0, "", []string{"tcp", open, "--timeout", "0", open}},
		{1, "wait cannot connect to 127.0.0.1:1: connection refused, still after 5s\n", []string{"tcp", open, "127.0.0.1:1", "--timeout", "5s"}},
		{1, "http://127.0.0.1:1/: connection refused, still after 5s\n", []string{"http", "http://127.0.0.1:1/", "--timeout=5s"}},
		{1, "no such file or directory, still after 2s\n", []string{"file", file + "2", "--timeout", "2"}},
		{1, "has the container started?), still after 2s\n", []string{"program", "app", "--timeout", "2"}},
		{2, `"localhost:1": expected a URL such as`, []string{"http", "localhost:1"}},
		{2, `"5432": expected HOST:PORT such as`, []string{"tcp", "5432"}},
		{2, `--status "fine" is no HTTP status`, []string{"http", "--status", "fine", "http://127.0.0.1:1/"}},
		{2, "wait program: for what? (container-manager wait -h shows the usage)", []string{"program"}},
		{2, "say what to wait for: program, tcp, http or file (", nil},
		{2, "say what to wait for: program, tcp, http or file: did you mean program? (", []string{"progam", "app"}},
		{2, "expected a duration", []string{"tcp", open, "--timeout", "soon"}},
		{0, "usage: container-manager wait tcp [--timeout 1m] HOST:PORT ...", []string{"tcp", "-h"}},
	} {
		c.want(test.code, test.text, append([]string{"wait"}, test.args...)...)
	}

	c.program("app", sleeper)
	c.program("lazy", sleeper, "autostart = false")
	c.start() // wait begins before there is a supervisord
	if code, said := c.exec("wait", "program", "app", "--timeout", "5m"); code != 0 || said != "" {
		t.Errorf("exit code %d, it said %q", code, said)
	}
	c.want(1, "lazy is STOPPED, still after 2s", "wait", "program", "app", "lazy", "--timeout", "2")
	c.want(1, `"nobody": supervisord has no program of this name`, "wait", "program", "nobody")
	c.want(0, "", "start", "lazy")
	c.want(0, "", "wait", "program", "lazy")
}

// A wait that a signal ends says so, and ends as shells expect.
func TestWaitIsEnded(t *testing.T) {
	c := newContainer(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	asked := make(chan struct{})
	go func() {
		if conn, err := listener.Accept(); err == nil {
			close(asked)
			defer conn.Close()
			_, _ = conn.Read(make([]byte, 1<<20))
			<-t.Context().Done()
		}
	}()
	isAsked := func() bool {
		select {
		case <-asked:
			return true
		default:
			return false
		}
	}
	code, said := c.execSignalled(unix.SIGTERM, "it asks", isAsked, "wait", "http", "http://"+listener.Addr().String()+"/", "--timeout", "0")
	if want := "ERROR\twait ended by SIGTERM\n"; code != 128+int(unix.SIGTERM) || withoutTimes(said) != want {
		t.Errorf("exit code %d, it said %q, want %q", code, said, want)
	}
}
