package web

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ZPascal/container-manager/test/testenv"
)

// listening runs the server on an address until the test ends.
func (r *rig) listening(address string) {
	r.t.Helper()
	r.Config.HTTPAddress = address
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	r.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			r.t.Errorf("the server ended with %v", err)
		}
	})
}

// serving runs the server on a free port, and returns its address.
func (r *rig) serving() string {
	r.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Serve(ctx, l) }()
	r.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			r.t.Errorf("the server ended with %v", err)
		}
	})
	return l.Addr().String()
}

func TestTakenPort(t *testing.T) {
	r := newRig(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var told testenv.Buffer
	r.Tell = func(text string) { fmt.Fprintln(&told, text) }
	address := taken.Addr().String()
	r.listening(address)
	want := fmt.Sprintf("cannot listen on IMAGE_HTTP_ADDRESS=%s: address already in use: process %d (", address, os.Getpid())
	testenv.WaitFor(t, "the error", func() bool { return strings.Contains(r.log.String(), want) && strings.Contains(told.String(), want) })
	_ = taken.Close()
	testenv.WaitFor(t, "the server listens once the port is free", func() bool {
		resp, err := http.Get("http://" + address + "/livez")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == 200
	})
	if n := strings.Count(r.log.String(), "cannot listen"); n != 1 {
		t.Errorf("the log says it %d times:\n%s", n, &r.log)
	}
}

func TestAddressOfNobody(t *testing.T) {
	r := newRig(t)
	r.listening("192.0.2.1:9090")
	testenv.WaitFor(t, "the error", func() bool {
		return strings.Contains(r.log.String(), "cannot listen on IMAGE_HTTP_ADDRESS=192.0.2.1:9090: cannot assign requested address: no interface of this container has that address")
	})
}

func TestListeners(t *testing.T) {
	const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:2382 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0000000000000000 100 0 0 10 0
   1: 0100007F:2382 0100007F:ABCD 01 00000000:00000000 00:00000000 00000000  1000        0 4712 1 0000000000000000 100 0 0 10 0
   2: garbage
   3: 0100007F:zz 00000000:0000 0A a b c d e 4713 1
`
	if got := listeners(table, 9090); len(got) != 1 || got[0] != "4711" {
		t.Errorf("listeners %v", got)
	}
	if got := holderOf("1.2.3.4:x"); got != "another process listens there" {
		t.Error(got)
	}
}

func TestUnixSocket(t *testing.T) {
	r := newRig(t)
	path := filepath.Join(r.dir, "http.sock")
	testenv.Write(t, path, "precious", 0o644)
	r.listening("unix:" + path)
	testenv.WaitFor(t, "the error", func() bool {
		return strings.Contains(r.log.String(), "there is something else than a socket of that name: name another path")
	})
	if testenv.Read(t, path) != "precious" {
		t.Error("the file is gone")
	}
	// A socket that nobody listens on any more is in nobody's way.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	left, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	left.(*net.UnixListener).SetUnlinkOnClose(false)
	_ = left.Close()
	client := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}}
	defer client.CloseIdleConnections()
	testenv.WaitFor(t, "the server listens", func() bool {
		resp, err := client.Get("http://container/readyz")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == 200
	})
	other := newRig(t)
	other.listening("unix:" + path)
	testenv.WaitFor(t, "the error", func() bool { return strings.Contains(other.log.String(), "another process listens there") })
}

// However many connect and say nothing, who asks is answered.
func TestCrowd(t *testing.T) {
	r := newRig(t)
	address := r.serving()
	var slow []net.Conn
	defer func() {
		for _, c := range slow {
			_ = c.Close()
		}
	}()
	for i := range 16 * maxConnections { // thousands
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		slow = append(slow, c)
		_, _ = fmt.Fprintf(c, "GET /livez HTTP/1.1\r\nX: ")
		if i%100 == 0 {
			wantLive(t, address)
		}
	}
	wantLive(t, address)
	// The oldest were closed.
	_ = slow[0].SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := io.ReadAll(slow[0]); os.IsTimeout(err) {
		t.Error("the oldest connection is still open")
	}
}

// A client that does not finish its header is let go, also when nobody else comes.
func TestSlowClient(t *testing.T) {
	testenv.NotQuick(t) // it takes headerTimeout
	t.Parallel()
	c, err := net.Dial("tcp", newRig(t).serving())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, "GET /livez HTTP/1.1\r\nHost: x\r\nX: ")
	_ = c.SetReadDeadline(time.Now().Add(time.Minute))
	if said, err := io.ReadAll(c); os.IsTimeout(err) {
		t.Errorf("the connection is still open after a minute, and said %q", said)
	}
}

func wantLive(t *testing.T, address string) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + address + "/livez")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != 200 || string(body) != "ok" {
		t.Errorf("status %d, %q", resp.StatusCode, body)
	}
}

func TestGarbage(t *testing.T) {
	r := newRig(t)
	address := r.serving()
	for request, want := range map[string]string{
		"GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 1<<20) + "\r\n\r\n": "431 ",
		"\x16\x03\x01\x02\x00\x01\x00\x01":                                           "400 ",
		"GET\r\n\r\n":                                                                "400 ",
		"GET / HTTP/9.9\r\n\r\n":                                                     "505 ",
		"GET /livez HTTP/1.1\r\n\r\n":                                                "400 ", // without a host
		"GET /livez HTTP/1.0\r\n\r\n":                                                "200 ",
		"GET /../../etc/passwd HTTP/1.0\r\n\r\n":                                     "404 ",
		"GET /livez%zz HTTP/1.0\r\n\r\n":                                             "400 ",
		"POST / HTTP/1.0\r\nContent-Length: -1\r\n\r\n":                              "400 ",
		"HEAD /metrics HTTP/1.0\r\n\r\n":                                             "200 ",
		"GET " + strings.Repeat("a", 1<<16) + " HTTP/1.0":                            "",
	} {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = io.WriteString(c, request+"\r\n\r\n") }()
		line, _ := bufio.NewReader(c).ReadString('\n')
		if !strings.Contains(line, want) {
			t.Errorf("%.40q: %q, want %q", request, line, want)
		}
		_ = c.Close()
	}
	wantLive(t, address)
	if r.log.String() != "" {
		t.Errorf("the log says\n%s", &r.log)
	}
}
