package notify

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/test/testenv"
)

func (r *rig) webhook(url string) {
	r.Helper()
	testenv.Write(r.T, filepath.Join(r.Config.NotifyDir, Webhook), "#!/usr/bin/container-manager script\n", 0o755)
	r.Config.NotifyURL = url
	r.prepare()
}

func TestWebhook(t *testing.T) {
	got := make(chan string, 1)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		got <- q.Method + " " + q.URL.Path + " " + q.Header.Get("Content-Type") + " " + string(body)
	}))
	t.Cleanup(s.Close)
	r := newRig(t)
	r.webhook(s.URL + "/secret-token")
	r.send(Event{Kind: BackupFailed, What: "the backup failed: no room"})
	r.run()
	want := `POST /secret-token application/json {"kind":"backup-failed","what":"the backup failed: no room","when":"2026-03-01T12:00:00Z","labels":{"APP_VERSION":"2","IMAGE_NAME":"hello"}}` + "\n"
	if sent := <-got; sent != want {
		t.Errorf("posted %s, want %s", sent, want)
	}
	if r.said.Len() > 0 {
		t.Errorf("logged %s", r.said)
	}
}

func TestWebhookThatFails(t *testing.T) {
	for want, handler := range map[string]http.HandlerFunc{
		"status 500 Internal Server Error (3 tries)": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
		"status 302 Found: redirects are not followed": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "file:///etc/passwd")
			w.WriteHeader(302)
		},
		"did not end within 2s (IMAGE_NOTIFY_TIMEOUT)": func(_ http.ResponseWriter, q *http.Request) {
			_, _ = io.ReadAll(q.Body) // else the server does not see that the client has gone
			<-q.Context().Done()
		},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(handler)
			t.Cleanup(s.Close)
			r := newRig(t)
			if strings.HasPrefix(want, "did not end") {
				r.Config.NotifyTimeout = config.Duration(2 * time.Second)
			}
			r.webhook(s.URL + "/secret-token")
			r.send(Event{Kind: BackupFailed, What: "the backup failed: no room"})
			r.run()
			r.says("webhook.py has not told that the backup failed: no room: IMAGE_NOTIFY_URL: " + s.URL + ": " + want)
			if strings.Contains(r.said.String(), "secret-token") {
				t.Errorf("the log shows the address:\n%s", r.said)
			}
		})
	}
}
