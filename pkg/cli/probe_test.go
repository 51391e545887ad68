package cli

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/ZPascal/container-manager/test/testenv"
)

func TestProbeCommand(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hang" {
			select {
			case <-r.Context().Done():
			case <-time.After(10 * time.Second):
			}
		}
	}))
	t.Cleanup(server.Close)
	c := newContainer(t, "IMAGE_CRON_ENABLED=false")
	file := c.Path("alive")
	testenv.Write(t, file, "", 0o644)

	for _, test := range []struct {
		code int
		text string
		args []string
	}{
		{0, "", []string{"http", server.URL}},
		{0, "", []string{"http", server.URL, "--timeout", "60s", "--status", "200,204"}}, // flags in any place
		{1, "status 200 OK", []string{"http", "--status=204", server.URL}},
		{1, "does not contain \"well\"", []string{"http", "--body", "well", server.URL}},
		{1, "no answer within 200ms", []string{"http", "--timeout", "0.2s", server.URL + "/hang"}},
		{2, `"127.0.0.1": expected a URL such as http://`, []string{"http", "127.0.0.1"}},
		{2, `"localhost:1": expected a URL such as http://`, []string{"http", "localhost:1"}},
		{2, `"localhost": expected HOST:PORT such as`, []string{"tcp", "localhost"}},
		{2, `"localhost:70000": expected HOST:PORT such as`, []string{"tcp", "localhost:70000"}},
		{2, "say what to ask: http, tcp, process, file, backup or job: did you mean file?", []string{"fiel", "x"}},
		{2, `"fine" is no HTTP status`, []string{"http", "--status", "fine", server.URL}},
		{0, "", []string{"tcp", server.Listener.Addr().String()}},
		{1, "connection refused", []string{"tcp", "127.0.0.1:1"}},
		{0, "", []string{"file", file, "--newer", "5m"}},
		{0, "", []string{"file", file}},
		{1, "no such file or directory", []string{"file", file + "2"}},
		{2, "expected a duration", []string{"file", file, "--newer", "soon"}},
		{2, "unknown flag: --timeout", []string{"file", file, "--timeout", "5m"}},
		{2, "probe file wants one PATH", []string{"file"}},
		{2, "probe tcp wants one HOST:PORT", []string{"tcp", "a:1", "b:2"}},
		{2, "say what to ask: http, tcp, process, file, backup or job", []string{"smtp", "x"}},
		{2, "say what to ask: http, tcp, process, file, backup or job", nil},
		{0, "probe http [--timeout 3s] [--status 200-399] [--body TEXT] URL", []string{"-h"}},
		{0, "-newer DURATION", []string{"file", "-h"}},
		{1, "has the container started?", []string{"process", "app"}},
	} {
		c.want(test.code, test.text, append([]string{"probe"}, test.args...)...)
	}

	c.program("app", sleeper)
	c.program("pair", sleeper, "process_name = %(program_name)s_%(process_num)d", "numprocs = 2")
	c.start()
	c.waitState("app", "RUNNING")
	c.waitState("pair:pair_1", "RUNNING")
	c.want(0, "", "probe", "process", "app")
	c.want(0, "", "probe", "process", "pair")
	c.want(0, "", "stop", "pair:pair_1")
	c.want(1, "pair:pair_1 is STOPPED", "probe", "process", "pair")
	c.want(1, `"nobody": supervisord has no program of this name`, "probe", "process", "nobody")
}
