package web

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/abrander/go-supervisord"

	"github.com/ZPascal/container-manager/test/testenv"
)

func TestHealth(t *testing.T) {
	r := newRig(t)
	if got := r.want(200, "ok", "/livez"); got != "ok" {
		t.Errorf("said %q", got)
	}
	r.want(200, "[+]supervisord ok\n[+]app ok\n[+]crond ok\n[+]a \"quoted\" <script>alert('x')</script> \\back slash ok\nreadyz check passed\n", "/readyz?verbose")
	r.want(200, "livez check passed", "/livez?verbose=true")

	r.filled()
	r.later()
	r.want(503, "[+]app ok\n", "/readyz")
	got := r.want(503, "[-]check-app.sh failed: failed\n", "/readyz?verbose")
	if strings.Contains(got, "SECRET") || !strings.HasSuffix(got, "readyz check failed\n") {
		t.Errorf("said %s", got)
	}
	r.want(200, "ok", "/livez")

	r.all[0].State, r.all[0].StateName, r.all[0].SpawnErr, r.all[0].Pid = supervisord.StateFatal, "FATAL", "SECRET", 0
	r.later()
	if got := r.want(503, "[-]app failed: is FATAL\n", "/livez"); strings.Contains(got, "SECRET") {
		t.Errorf("said %s", got)
	}

	r.err = errNoAnswer
	r.later()
	if got := r.want(503, "[-]supervisord failed: does not answer\n", "/readyz"); strings.Contains(got, "SECRET") {
		t.Errorf("said %s", got)
	}
	r.want(200, "container_manager_supervisord_up 0\n", "/metrics")
	r.want(200, "not alive", "/")
}

// supervisord is asked about once a second, however many ask.
func TestAskedSeldom(t *testing.T) {
	r := newRig(t)
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() { r.get("/readyz"); r.get("/metrics"); r.get("/") })
	}
	all.Wait()
	if n := r.asked.Load(); n != 1 {
		t.Errorf("supervisord was asked %d times", n)
	}
	// What is a little old is told, and looked at anew beside.
	r.now = r.now.Add(fresh)
	r.err = errNoAnswer
	r.want(200, "ok", "/readyz")
	testenv.WaitFor(t, "the news", func() bool { return r.get("/readyz").Code == http.StatusServiceUnavailable })
	if n := r.asked.Load(); n != 2 {
		t.Errorf("supervisord was asked %d times", n)
	}
	r.now = r.now.Add(-10 * stale) // the clock was set back
	r.err = nil
	r.want(200, "ok", "/readyz")
}

func TestRequests(t *testing.T) {
	r := newRig(t)
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "FOO"} {
		for _, path := range []string{"/livez", "/metrics", "/"} {
			if w := r.do(method, path); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: %d", method, path, w.Code)
			}
		}
	}
	for _, path := range []string{"/..", "/../etc/passwd", "/livez/../metrics", "//", "/livez/", "/%2e%2e/", "/favicon.ico", "/metrics%00"} {
		r.want(404, "there are /livez", path)
	}
	for _, path := range []string{"/livez", "/readyz?verbose", "/metrics", "/"} {
		if w := r.do("HEAD", path); w.Code != 200 {
			t.Errorf("HEAD %s: %d", path, w.Code)
		}
	}
	h := r.get("/").Header()
	if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cache-Control") != "no-store" || !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("headers %v", h)
	}
}

func TestToken(t *testing.T) {
	r := newRig(t)
	file := filepath.Join(r.dir, "token")
	r.Config.HTTPTokenFile = file
	for text, want := range map[string]string{"": "is empty: expected a token", " \n": "is empty: expected a token", "-": "cannot read IMAGE_HTTP_TOKEN_FILE"} {
		if text != "-" {
			testenv.Write(t, file, text, 0o600)
		} else {
			r.Config.HTTPTokenFile = filepath.Join(r.dir, "none")
		}
		if err := r.Run(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
		r.want(401, "IMAGE_HTTP_TOKEN_FILE", "/metrics", "Authorization: Bearer ")
		r.Config.HTTPTokenFile = file
	}
	testenv.Write(t, file, "s3cret\n", 0o600)
	basic := "Authorization: Basic YW55Ym9keTpzM2NyZXQ=" // anybody:s3cret
	for _, path := range []string{"/metrics", "/"} {
		for _, bad := range []string{"X: y", "Authorization: Bearer", "Authorization: Bearer s3cre", "Authorization: Bearer s3crett", "Authorization: s3cret", "Authorization: Basic !!", "Authorization: Basic YW55Ym9keTp4"} {
			r.want(401, "Bearer TOKEN", path, bad)
		}
		r.want(200, "", path, "Authorization: Bearer s3cret")
		r.want(200, "", path, "authorization: bearer  s3cret")
		r.want(200, "", path, basic)
	}
	// kubelet has no token. Without it the checks have no names.
	r.all[0].State, r.all[0].StateName = supervisord.StateFatal, "FATAL"
	r.later()
	if got := r.want(503, "", "/readyz?verbose"); got != "readyz check failed\n" {
		t.Errorf("said %q", got)
	}
	r.want(503, "[-]app failed: is FATAL", "/readyz", "Authorization: Bearer s3cret")
	testenv.Write(t, file, "another", 0o600) // it was replaced
	r.want(401, "", "/metrics", "Authorization: Bearer s3cret")
	r.want(200, "", "/metrics", "Authorization: Bearer another")
	if strings.Contains(r.log.String(), "s3cret") {
		t.Errorf("the log has the token:\n%s", &r.log)
	}
}

// Whoever can connect cannot fill the log.
func TestTokenThatCannotBeReadIsLoggedOnce(t *testing.T) {
	r := newRig(t)
	r.Config.HTTPTokenFile = filepath.Join(r.dir, "token")
	for range 2 {
		for range 3 {
			r.want(401, "", "/metrics")
		}
		testenv.Write(t, r.Config.HTTPTokenFile, "s3cret", 0o600)
		r.want(200, "", "/metrics", "Authorization: Bearer s3cret")
		if err := os.Remove(r.Config.HTTPTokenFile); err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(r.log.String(), "cannot read IMAGE_HTTP_TOKEN_FILE"); n != 2 {
		t.Errorf("it said so %d times:\n%s", n, &r.log)
	}
}

func TestPage(t *testing.T) {
	r := newRig(t).filled()
	got := r.want(200, "<!DOCTYPE html>", "/")
	for _, want := range []string{
		`a &#34;quoted&#34; &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; \back slash`, "check-&lt;b&gt;&#34;new&#34;.sh", "not run yet",
		"nightly &#34;report&#34; &lt;script&gt;", "check-app.sh &lt;failed&gt;", "exit status 3", "backup-2026-01-01_01:02:00.tar.gz", "2026-01-01 01:02:03 UTC", `<span class="bad">failed</span>`,
		`content="width=device-width`, "prefers-color-scheme:dark",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the page lacks %q:\n%s", want, got)
		}
	}
	for _, bad := range []string{"<script", "SECRET", "<b>", "javascript:", "<h2>Logs"} {
		if strings.Contains(got, bad) {
			t.Errorf("the page has %q:\n%s", bad, got)
		}
	}
	r.Config.HTTPLogs = true
	r.h = r.Handler()
	log := filepath.Join(r.dir, "app.log")
	testenv.Write(t, log, "too old\n"+strings.Repeat("x", maxLogBytes)+"\n<last> line\n", 0o644)
	testenv.Write(t, filepath.Join(r.Config.RunDir, "supervisord/global.conf"), "[supervisord]\nlogfile = NONE\n[program:app]\ncommand = app\nstdout_logfile = "+log+"\nredirect_stderr = true\n", 0o644)
	got = r.want(200, "<pre>&lt;last&gt; line</pre>", "/")
	if !strings.Contains(got, "SECRET") || strings.Contains(got, "too old") {
		t.Errorf("the page:\n%s", got)
	}
}

// Damaged records say nothing, and end nothing.
func TestDamagedRecords(t *testing.T) {
	r := newRig(t).filled()
	files, _ := filepath.Glob(r.Config.RunDir + "/*/*/*")
	more, _ := filepath.Glob(r.Config.RunDir + "/*/*.json")
	files = append(append(files, more...), filepath.Join(r.Config.BackupDir, ".last-backup.json"))
	if len(files) < 5 {
		t.Fatalf("files %v", files)
	}
	for _, file := range files {
		whole := testenv.Read(t, file)
		for _, text := range []string{"", whole[:len(whole)/2], whole[:len(whole)-3], "null", "[]", `"x"`, `{"version":99,"last":[]}`, strings.ReplaceAll(whole, `"`, "'"), strings.NewReplacer("1", "-1", "2", "1e999").Replace(whole)} {
			testenv.Write(t, file, text, 0o600)
			r.later()
			for _, path := range []string{"/livez?verbose", "/readyz?verbose", "/metrics", "/"} {
				if w := r.get(path); w.Code != 200 && w.Code != 503 {
					t.Errorf("%s with %q in %s: %d", path, text, file, w.Code)
				}
			}
		}
		testenv.Write(t, file, whole, 0o600)
	}
}
