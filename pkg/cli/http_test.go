package cli

import (
	"context"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

// fetch asks the listener of a container.
func (c *container) fetch(path string) (code int, body string) {
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", c.Path("tmp/http.sock"))
		},
	}}
	resp, err := client.Get("http://container" + path)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Error(err)
	}
	return resp.StatusCode, string(data)
}

// A whole container tells of itself over HTTP.
func TestHTTPListener(t *testing.T) {
	const secret = "a value nobody may see"
	c := newContainer(t, "APP_SECRET="+secret)
	c.Setenv("IMAGE_HTTP_ADDRESS=unix:" + c.Path("tmp/http.sock"))
	c.program("app", sleeper)
	testenv.Script(t, c.Path("image/health/readiness.probes.d/check-app.sh"), "[ ! -e $STORAGE_BASE_DIR/sick ] || { echo $APP_SECRET; exit 1; }")
	testenv.Script(t, c.Path("image/setup/run.always/10-jobs.sh"), `printf '%s\n' '# name: greet' '@reboot echo $APP_SECRET; exit 7' >>$IMAGE_CRON_DIR/kubernetes`)
	c.start()
	c.waitState("app", "RUNNING")
	c.waitState("http", "RUNNING")
	testenv.WaitFor(t, "the container is ready", func() bool { code, _ := c.fetch("/readyz"); return code == 200 })
	testenv.WaitFor(t, "the container is alive", func() bool { code, _ := c.fetch("/livez"); return code == 200 })
	testenv.WaitFor(t, "the job has failed", func() bool {
		_, text := c.fetch("/metrics")
		return strings.Contains(text, `container_manager_job_runs_total{job="greet",result="failed"} 1`)
	})
	_, text := c.fetch("/metrics")
	for _, want := range []string{
		`(?m)^container_manager_program_up\{program="app"\} 1$`,
		`(?m)^container_manager_program_up\{program="filebeat"\} 0$`,
		`(?m)^container_manager_program_starts_total\{program="app"\} 1$`,
		`(?m)^container_manager_job_next_start_timestamp_seconds\{job="check-readiness"\} 1.[0-9]+e\+09$`,
	} {
		if !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("metrics lack %s:\n%s", want, text)
		}
	}

	testenv.Write(t, c.Path("storage/sick"), "", 0o644)
	c.age("app")
	c.want(1, "restarted app in", "check-readiness")
	c.want(0, "", "stop", "app")
	testenv.WaitFor(t, "the container is not ready", func() bool {
		code, text := c.fetch("/readyz?verbose")
		return code == 503 && strings.Contains(text, "[-]check-app.sh failed: app is STOPPED")
	})
	code, page := c.fetch("/")
	for _, want := range []string{"not ready", "check-app.sh of the readiness check failed", "is held stopped (container-manager stop)", "exit status 7"} {
		if code != 200 || !strings.Contains(page, want) {
			t.Errorf("status %d, the page lacks %s:\n%s", code, want, page)
		}
	}
	_, text = c.fetch("/metrics")
	if !strings.Contains(text, `container_manager_program_restarts_total{program="app",reason="readiness"} 1`) {
		t.Errorf("metrics lack the restart:\n%s", text)
	}
	for _, said := range []string{page, text} {
		if strings.Contains(said, secret) {
			t.Errorf("a value of a variable is told:\n%s", said)
		}
	}
}

func TestHTTPListenerByItself(t *testing.T) {
	c := newContainer(t)
	c.start()
	c.want(2, "IMAGE_HTTP_ADDRESS is empty, so there is nowhere to listen", "http-listener")
	c.want(2, "http-listener takes no arguments", "http-listener", ":9090")
}
