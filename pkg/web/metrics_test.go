package web

import (
	"mime"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/ZPascal/container-manager/test/testenv"
)

func TestMetrics(t *testing.T) {
	r := newRig(t).filled()
	w := r.get("/metrics", "Accept: text/plain;version=0.0.4;q=0.5,*/*;q=0.1")
	if got := w.Header().Get("Content-Type"); got != textType {
		t.Errorf("the type is %s", got)
	}
	text := w.Body.String()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v %v", err, problems)
	}
	for _, want := range []string{
		`container_manager_program_up{program="app"} 1`,
		`container_manager_program_up{program="a \"quoted\" <script>alert('x')</script> \\back\nslash"} 1`,
		`container_manager_program_starts_total{program="app"} 5`,
		`container_manager_program_starts_total{program="crond"} 1`,
		`container_manager_program_ends_total{program="app"} 4`,
		`container_manager_program_restarts_total{program="app",reason="readiness"} 2`,
		`container_manager_program_restarts_total{program="app",reason="person"} 0`,
		`container_manager_probe_up{check="readiness",probe="check-app.sh"} 0`,
		`container_manager_probe_duration_seconds{check="readiness",probe="check-app.sh"} 0.25`,
		`container_manager_job_runs_total{job="backup",result="failed"} 1`,
		`container_manager_job_runs_total{job="nightly \"report\" <script>",result="ok"} 0`,
		`container_manager_job_last_success_timestamp_seconds{job="backup"} 1.767229323e+09`,
		`container_manager_backup_last_success_timestamp_seconds 1.767229323e+09`,
		`container_manager_backup_size_bytes 1234`,
		`container_manager_backup_last_status{status="failed"} 1`,
		`container_manager_build_info{version="1.2.3",goversion="go1`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
	if strings.Contains(text, "SECRET") || strings.Contains(text, "new") {
		t.Errorf("metrics have a secret, or a probe that has not run:\n%s", text)
	}
	if got := families["container_manager_program_up"].GetMetric()[2].GetLabel()[0].GetValue(); got != hostile {
		t.Errorf("the name came back as %q", got)
	}
}

func TestOpenMetrics(t *testing.T) {
	r := newRig(t).filled()
	w := r.get("/metrics", "Accept: application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.2")
	kind, _, err := mime.ParseMediaType(w.Header().Get("Content-Type"))
	if err != nil || kind != "application/openmetrics-text" {
		t.Errorf("the type is %s", w.Header().Get("Content-Type"))
	}
	text := w.Body.String()
	for _, want := range []string{"# TYPE container_manager_job_runs counter\n", "container_manager_job_runs_total{"} {
		if !strings.Contains(text, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
	if !strings.HasSuffix(text, "\n# EOF\n") {
		t.Errorf("metrics end with %q", text[len(text)-20:])
	}
	for accept, open := range map[string]bool{
		"": false, "*/*": false, "application/openmetrics-text": true, "APPLICATION/openmetrics-text; version=0.0.1": true,
		"application/openmetrics-text;q=0": false, "application/openmetrics-text;version=2.0.0": false,
		"application/openmetrics-text;version=2.0.0,application/openmetrics-text;version=1.0.0": true, ",;=,;q=x": false,
	} {
		if got := r.get("/metrics", "Accept: "+accept).Header().Get("Content-Type") == openType; got != open {
			t.Errorf("%q: OpenMetrics is %v", accept, got)
		}
	}
}

func TestLagOfTheFollower(t *testing.T) {
	r := newRig(t)
	log := filepath.Join(r.dir, "app.log")
	testenv.Write(t, log, "0123456789", 0o644)
	testenv.Write(t, filepath.Join(r.Config.RunDir, "logging/stdout.positions"), `7 3 0 "`+log+`"`+"\n", 0o600)
	if got := r.want(200, "", "/metrics"); strings.Contains(got, "lag") {
		t.Error("there is a lag although nobody follows")
	}
	r.Config.LogStdout = true
	r.h = r.Handler()
	r.want(200, "container_manager_log_follower_lag_bytes 10\n", "/metrics") // it is another file than the record's
}
