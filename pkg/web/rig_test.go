package web

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/abrander/go-supervisord"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/test/testenv"
)

const hostile = `a "quoted" <script>alert('x')</script> \back` + "\nslash"

// rig is a server that asks no supervisord, and the files of a container.
type rig struct {
	t *testing.T
	Server
	dir   string
	log   testenv.Buffer
	all   []supervisord.ProcessInfo
	err   error
	asked atomic.Int32
	now   time.Time
	h     http.Handler
}

func newRig(t *testing.T) *rig {
	t.Helper()
	dir := testenv.Dir(t)
	r := &rig{t: t, dir: dir, now: time.Now()}
	r.Config = config.Config{
		RunDir: filepath.Join(dir, "run"), CronDir: filepath.Join(dir, "image/cron"), BackupToolDir: "/image/backup", HealthDir: "/image/health",
		ProcessStateDir: filepath.Join(dir, "process"),
		ReadinessDir:    filepath.Join(dir, "image/ready"), LivenessDir: filepath.Join(dir, "image/live"), LoggingDir: filepath.Join(dir, "image/logging"),
		BackupDir: filepath.Join(dir, "storage/backup"), HealthCron: "*/5 * * * *", CronEnabled: true, LivenessCheck: true, TimeZone: "UTC",
	}
	for _, d := range []string{r.Config.ProcessStateDir, r.Config.RunDir + "/cron/jobs", r.Config.RunDir + "/health/programs", r.Config.ReadinessDir, r.Config.LivenessDir, r.Config.BackupDir} {
		testenv.Mkdir(t, d)
	}
	now := int(r.now.Unix())
	running := func(name string) supervisord.ProcessInfo {
		return supervisord.ProcessInfo{Name: name, Group: name, State: supervisord.StateRunning, StateName: "RUNNING", Pid: 42, Start: now - 60, Now: now}
	}
	r.all = []supervisord.ProcessInfo{running("app"), running("crond"), running(hostile)}
	r.Ask = func(context.Context) ([]supervisord.ProcessInfo, error) {
		r.asked.Add(1)
		return r.all, r.err
	}
	r.Version, r.Now, r.Log = "1.2.3", func() time.Time { return r.now }, log.New(&r.log, log.Options{})
	r.h = r.Handler()
	return r
}

// filled adds a probe, jobs and backups.
func (r *rig) filled() *rig {
	r.t.Helper()
	testenv.Script(r.t, filepath.Join(r.Config.ReadinessDir, "check-app.sh"), "exit 0")
	testenv.Script(r.t, filepath.Join(r.Config.ReadinessDir, `check-<b>"new".sh`), "exit 0")
	began := r.now.Add(-30 * time.Second).UTC().Format(time.RFC3339)
	testenv.Write(r.t, filepath.Join(r.Config.RunDir, "health/readiness.json"), `{"check-app.sh":{"probe":"check-app.sh","program":"app","healthy":false,"failures":1,"began":"`+began+`","seconds":0.25,"message":"ended with exit status 1, last output: SECRET","how":"ended with exit status 1 (line 3: SECRET)","output":"SECRET"}}`, 0o600)
	crontab := filepath.Join(r.Config.RunDir, "cron/kubernetes")
	testenv.Write(r.t, crontab, "2 1 * * * /image/backup/backup.py\n# name: nightly \"report\" <script>\n@daily echo SECRET\n", 0o644)
	testenv.Write(r.t, filepath.Join(r.Config.RunDir, "cron/jobs/backup.json"), `{"job":"backup","file":"`+crontab+`","counts":{"ok":3,"failed":1},"last":{"began":"`+began+`","ended":"`+began+`","seconds":1.5,"result":"failed","exit_status":3},"last_success":"2026-01-01T01:02:03Z"}`, 0o600)
	testenv.Write(r.t, filepath.Join(r.Config.BackupDir, ".last-backup.json"), `{"last":{"began":"2026-01-02T01:02:00Z","ended":"2026-01-02T01:02:03Z","status":"failed","error":"SECRET"},"last_success":{"began":"2026-01-01T01:02:00Z","ended":"2026-01-01T01:02:03Z","seconds":3,"status":"ok","archive":"backup-2026-01-01_01:02:00.tar.gz","size":1234,"files":5}}`, 0o640)
	testenv.Write(r.t, filepath.Join(r.Config.RunDir, "health/programs/app.json"), `{"restarts":2,"last":"2026-01-02T01:02:03Z","why":"check-app.sh <failed>","reasons":{"readiness":2}}`, 0o600)
	testenv.Write(r.t, filepath.Join(r.Config.RunDir, "health/programs/app.ends"), `{"starts":5,"ends":4,"last":{"at":"2026-01-02T01:02:03Z","known":true,"status":1}}`, 0o600)
	return r
}

// get asks for a path; headers are NAME: value.
func (r *rig) get(path string, headers ...string) *httptest.ResponseRecorder {
	r.t.Helper()
	return r.do(http.MethodGet, path, headers...)
}

func (r *rig) do(method, path string, headers ...string) *httptest.ResponseRecorder {
	r.t.Helper()
	req := httptest.NewRequestWithContext(r.t.Context(), method, path, nil)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	r.h.ServeHTTP(w, req)
	return w
}

// want asks for a path and fails unless the answer has that status and text.
func (r *rig) want(code int, text, path string, headers ...string) string {
	r.t.Helper()
	w := r.get(path, headers...)
	if w.Code != code || !strings.Contains(w.Body.String(), text) {
		r.t.Errorf("%s: status %d, want %d; want %q in\n%s", path, w.Code, code, text, w.Body)
	}
	return w.Body.String()
}

// later lets so much time go by that nothing is known any more.
func (r *rig) later() { r.now = r.now.Add(kept) }

var errNoAnswer = errors.New("supervisord does not run: nothing listens at /SECRET")
