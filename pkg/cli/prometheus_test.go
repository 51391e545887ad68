package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/test/testenv"
)

// What supervisord, cron and the file system allow as names, and what HTML and
// Prometheus have to escape.
const (
	awkwardProgram = `<script>alert('app')&quot;"\n-and-a-name-that-is-wider-than-a-phone-and-has-no-space-to-break-it-at`
	awkwardProbe   = `check-"new" <img src=x onerror=alert(1)>.sh`
	awkwardJob     = `nightly "report" </td><script>alert('job')</script> \ ü`
)

// awkward returns a container that listens on the returned address, and in which things
// have such names.
func awkward(t *testing.T) (c *container, address string) {
	t.Helper()
	c, address = newContainer(t), "127.0.0.1:"+freePort(t)
	c.Setenv("IMAGE_HTTP_ADDRESS="+address, "IMAGE_HTTP_LOGS=true")
	c.program(awkwardProgram, sleeper)
	testenv.Script(t, c.Path("image/health/readiness.probes.d", awkwardProbe), "exit 0")
	testenv.Script(t, c.Path("image/setup/run.always/10-jobs.sh"), `cat >>$IMAGE_CRON_DIR/kubernetes <<'END'
# name: `+awkwardJob+`
@reboot exit 7
END`)
	c.start()
	testenv.WaitFor(t, "the job has failed", func() bool {
		return strings.Contains(fetchTCP(address, "/metrics"), `result="failed"} 1`)
	})
	c.want(0, "", "check-readiness")
	return c, address
}

// fetchTCP returns what the listener says, which is "" while it does not listen.
func fetchTCP(address, path string) string {
	resp, err := http.Get("http://" + address + path)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return string(body)
}

// Debian's Prometheus reads both formats. It asks for OpenMetrics first, so a proxy asks
// for the older one in its place.
func TestPrometheus(t *testing.T) {
	_, address := awkward(t)
	older := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: address})
		r.Out.Header.Set("Accept", "text/plain;version=0.0.4")
	}})
	t.Cleanup(older.Close)
	p := startPrometheus(t, map[string]string{"open": address, "text": older.Listener.Addr().String()})
	for _, format := range []string{"open", "text"} {
		p.want(1, "up", "scrape", format)
		p.want(1, "container_manager_supervisord_up", "scrape", format)
		p.want(1, "container_manager_program_up", "scrape", format, "program", awkwardProgram)
		p.want(1, "container_manager_probe_up", "scrape", format, "check", "readiness", "probe", awkwardProbe)
		p.want(1, "container_manager_job_runs_total", "scrape", format, "exported_job", awkwardJob, "result", "failed")
		p.want(0, "container_manager_job_runs_total", "scrape", format, "exported_job", awkwardJob, "result", "ok")
	}
	// The name of a family ends in _total only in the older format.
	testenv.WaitFor(t, "what Prometheus knows of both formats", func() bool {
		said := p.ask("/api/v1/metadata", nil)
		return strings.Contains(said, `"container_manager_job_runs":[{"type":"counter"`) &&
			strings.Contains(said, `"container_manager_job_runs_total":[{"type":"counter"`)
	})
}

// promtool complains of names and texts that break Prometheus' conventions.
func TestPromtool(t *testing.T) {
	_, address := awkward(t)
	text := fetchTCP(address, "/metrics")
	cmd := exec.CommandContext(t.Context(), "promtool", "check", "metrics")
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s\n%s", err, out, text)
	}
}

// prometheus is one that runs until the test ends.
type prometheus struct {
	t       *testing.T
	address string
	said    testenv.Buffer
}

// startPrometheus starts one that scrapes addresses, as often as it can.
func startPrometheus(t *testing.T, targets map[string]string) *prometheus {
	t.Helper()
	dir := testenv.Dir(t)
	var configuration strings.Builder
	configuration.WriteString("global: {scrape_interval: 500ms, scrape_timeout: 500ms}\nscrape_configs:\n")
	for name, address := range targets {
		fmt.Fprintf(&configuration, "- {job_name: %s, static_configs: [{targets: ['%s'], labels: {scrape: %s}}]}\n", name, address, name)
	}
	file := filepath.Join(dir, "prometheus.yml")
	testenv.Write(t, file, configuration.String(), 0o644)
	p := &prometheus{t: t, address: "127.0.0.1:" + freePort(t)}
	cmd := exec.CommandContext(t.Context(), "prometheus", "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+p.address)
	cmd.Stdout, cmd.Stderr = &p.said, &p.said
	cmd.Cancel = func() error { return cmd.Process.Signal(unix.SIGTERM) }
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		<-ended // its context is done
		if t.Failed() {
			t.Logf("Prometheus said\n%s", p.said.String())
		}
	})
	return p
}

// ask asks its API; it returns "" while there is none.
func (p *prometheus) ask(path string, query url.Values) string {
	return fetchTCP(p.address, path+"?"+query.Encode())
}

// want waits until a metric with these labels and values has a value.
func (p *prometheus) want(value int, metric string, labels ...string) {
	p.t.Helper()
	var matchers []string
	for i := 0; i < len(labels); i += 2 {
		quoted, err := json.Marshal(labels[i+1]) // PromQL has JSON's escapes
		if err != nil {
			p.t.Fatal(err)
		}
		matchers = append(matchers, labels[i]+"="+string(quoted))
	}
	query := metric + "{" + strings.Join(matchers, ",") + "}"
	testenv.WaitFor(p.t, fmt.Sprintf("Prometheus has %s = %d", query, value), func() bool {
		said := p.ask("/api/v1/query", url.Values{"query": {query}})
		return strings.Contains(said, fmt.Sprintf(`,"%d"]`, value))
	})
}
