package examples

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

func TestWebAppExample(t *testing.T) {
	port := exampleFreePort(t)
	e := newExampleTree(t, "webapp", "APP_PORT="+port, "APP_ADDRESS=127.0.0.1", "APP_VERSION=2", `APP_GREETING=Back\slash "quotes" $HOME`)
	e.mustSucceed(t, "setup/run.always")
	e.mustSucceed(t, "setup/run.once")
	stop := e.start(t, "app")

	url := "http://127.0.0.1:" + port
	wantAnswer(t, url+"/", http.StatusOK, "Back\\slash \"quotes\" $HOME\nwebapp 2\n- first started on ")
	wantAnswer(t, url+"/version", http.StatusOK, "2\n")
	wantAnswer(t, url+"/health", http.StatusOK, "ok\n")
	wantAnswer(t, url+"/nothing", http.StatusNotFound, "not found\n")
	e.probes(t, "readiness.probes.d", "probe http --timeout 1s "+url+"/health")
	e.probes(t, "liveness.probes.d", "probe process app")

	// A log that was renamed is left to logrotate.
	access := filepath.Join(e.vars["STORAGE_LOGS_DIR"], "app-access.log")
	if log := readExample(t, access); !strings.Contains(log, `"GET /version HTTP/1.1" 200`) {
		t.Errorf("the access log holds %q", log)
	}
	if err := os.Rename(access, access+".1"); err != nil {
		t.Fatal(err)
	}
	wantAnswer(t, url+"/version", http.StatusOK, "2\n")
	if log := readExample(t, access); strings.Count(log, "\n") != 1 {
		t.Errorf("the new access log holds %q, want one line", log)
	}

	notes := filepath.Join(e.vars["STORAGE_DATA_DIR"], "app", "notes.json")
	if err := os.WriteFile(notes, []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	wantAnswer(t, url+"/health", http.StatusServiceUnavailable, "the data cannot be read")
	if out := stop(); !strings.Contains(out, "listening on 127.0.0.1:"+port) {
		t.Errorf("the app printed %q", out)
	}

	// Another start: other variables, the same data.
	e.vars["APP_GREETING"] = "Two\nlines"
	e.mustSucceed(t, "setup/run.always")
	if out := e.mustSucceed(t, "setup/run.once"); !strings.Contains(out, "is there already") || readExample(t, notes) != "{" {
		t.Errorf("the data was touched: %s", out)
	}
	if conf := readExample(t, e.vars["IMAGE_RUN_DIR"], "app/app.conf"); !strings.Contains(conf, "\ngreeting=Two lines\n") {
		t.Errorf("the configuration is %q", conf)
	}
	e.vars["APP_PORT"] = "http"
	e.mustFail(t, "setup/run.always/06-configure-app.sh", `APP_PORT="http": expected the number of a port`)
}

func TestReleaseWatcherExample(t *testing.T) {
	e := newExampleTree(t, "release-watcher")
	crontab := filepath.Join(e.vars["IMAGE_CRON_DIR"], "kubernetes")
	if err := os.WriteFile(crontab, []byte("# as the steps before left it\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	e.mustSucceed(t, "setup/run.always")
	alive := filepath.Join(e.vars["IMAGE_RUN_DIR"], "release-watcher", "alive")
	watch := func() string {
		_ = os.Remove(alive)
		stop := e.start(t, "release-watcher")
		testenv.WaitFor(t, alive, func() bool {
			_, err := os.Stat(alive)
			return err == nil
		})
		e.probes(t, "readiness.probes.d", "probe file "+alive+" --newer 5m")
		return stop()
	}
	first := watch()
	oldest := strings.Index(first, "new release: example 1.0.0 https://example.org/releases/1.0.0\n")
	newest := strings.Index(first, "new release: example 1.1.0 https://example.org/releases/1.1.0\n")
	if oldest < 0 || newest < oldest {
		t.Errorf("the first life logged %q", first)
	}
	if second := watch(); second != "" {
		t.Errorf("the second life logged %q, want nothing: the releases are known", second)
	}

	_, job, ok := strings.Cut(strings.TrimSpace(readExample(t, crontab)), "\n0 7 * * 1 ")
	if !ok {
		t.Fatalf("the crontab holds %q", readExample(t, crontab))
	}
	if out, err := e.run(t, "/bin/sh", "-c", job); err != nil || out != "" {
		t.Errorf("the job: %v %s", err, out)
	}
	if log := readExample(t, e.vars["STORAGE_LOGS_DIR"], "release-summary.log"); !strings.Contains(log, "2 releases are known, the newest is example 1.1.0") {
		t.Errorf("the job logged %q", log)
	}

	e.vars["RELEASE_WATCHER_FEED_URL"] = "file:///does/not/exist"
	e.mustSucceed(t, "setup/run.always")
	if out := watch(); !strings.Contains(out, "file:///does/not/exist cannot be read: ") {
		t.Errorf("without a feed it logged %q", out)
	}
	const check, get = "setup/run.always/05-configure-release-watcher-environment.py", "setup/run.always/06-get-release-watcher-config.py"
	e.vars["RELEASE_WATCHER_FEED_URL"], e.vars["RELEASE_WATCHER_INTERVAL"] = "ftp://example.org/", "0"
	e.mustFail(t, check, `RELEASE_WATCHER_INTERVAL="0": expected a number of seconds above 0`)
	e.mustFail(t, check, "RELEASE_WATCHER_FEED_URL: expected a URL that begins with file://, http://, https://")
	e.mustFail(t, get, "feed 1: expected a file, http or https URL without a password")
	e.vars["RELEASE_WATCHER_CONFIG_URL"] = "file:///does/not/exist"
	e.mustFail(t, get, "there is no usable configuration")
}

func TestOIDCProxyExample(t *testing.T) {
	const step = "setup/run.always/05-configure-oidc-proxy-environment.py"
	port := exampleFreePort(t)
	e := newExampleTree(t, "oidc-proxy", "OIDC_PORT="+port, "OIDC_PROXY_ARGS=", "OIDC_ENCRYPTION_KEY=")
	for _, name := range []string{"OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "OIDC_ENCRYPTION_KEY", "OIDC_ISSUER_URL", "OIDC_REDIRECT_URL"} {
		e.mustFail(t, step, name+" is not set; FILE__"+name+" can name a file that holds it")
	}
	e.vars["OIDC_ENCRYPTION_KEY"] = "too-short"
	e.mustFail(t, step, "OIDC_ENCRYPTION_KEY: expected 16, 24 or 32 bytes")
	if out, _ := e.run(t, filepath.Join(e.dir, "image", step)); strings.Contains(out, "too-short") {
		t.Errorf("the step shows the key: %s", out)
	}

	e.vars["OIDC_ENCRYPTION_KEY"] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	e.vars["OIDC_CLIENT_ID"], e.vars["OIDC_CLIENT_SECRET"] = "webapp", `"quo\te" ü`
	e.vars["OIDC_ISSUER_URL"], e.vars["OIDC_REDIRECT_URL"] = "https://id.example.org/", "https://app.example.org/oauth2/callback"
	if out := e.mustSucceed(t, "setup/run.always"); strings.Contains(out, `quo\te`) {
		t.Errorf("the step shows the secret: %s", out)
	}
	cfg := filepath.Join(e.vars["IMAGE_RUN_DIR"], "oidc-proxy", "oauth2-proxy.cfg")
	if info, err := os.Stat(cfg); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the configuration is not its user's alone: %v %v", info, err)
	}
	if want := `client_secret = "\"quo\\te\" ü"`; !strings.Contains(readExample(t, cfg), want) {
		t.Errorf("the configuration lacks %s:\n%s", want, readExample(t, cfg))
	}

	e.write(t, "bin/oauth2-proxy", readExample(t, examplesDir, "oidc-proxy/stand-in/oauth2-proxy"), 0o755)
	e.start(t, "oidc-proxy")
	url := "http://127.0.0.1:" + port
	wantAnswer(t, url+"/ready", http.StatusOK, "OK")
	wantAnswer(t, url+"/ping", http.StatusOK, "OK")
	response, _ := exampleGet(t, url+"/")
	if got := response.Header.Get("Location"); response.StatusCode != http.StatusFound || !strings.HasPrefix(got, "https://id.example.org/authorize?client_id=webapp&") {
		t.Errorf("a stranger gets %s to %q, want to be sent to the issuer", response.Status, got)
	}
	e.probes(t, "readiness.probes.d", "probe http "+url+"/ready")
	e.probes(t, "liveness.probes.d", "probe http "+url+"/ping")
}
