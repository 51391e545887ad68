package probe

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func want(t *testing.T, what string, err error, text string) {
	t.Helper()
	switch {
	case text == "" && err != nil:
		t.Errorf("%s: %v", what, err)
	case text != "" && (err == nil || !strings.Contains(err.Error(), text)):
		t.Errorf("%s: error %v, want one that says %q", what, err, text)
	}
}

func TestHTTP(t *testing.T) {
	mux := http.NewServeMux()
	var giveUp func() // ends the probe that asks
	mux.HandleFunc("/ok", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "all is well") })
	mux.HandleFunc("/sick", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "sick", http.StatusServiceUnavailable) })
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/sick", http.StatusFound) })
	mux.HandleFunc("/hang", func(_ http.ResponseWriter, r *http.Request) {
		giveUp()
		<-r.Context().Done()
	})
	mux.HandleFunc("/stall", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		if r.URL.RawQuery == "give-up" {
			giveUp()
		}
		<-r.Context().Done()
	})
	mux.HandleFunc("/large", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", maxBody)+"end")
	})
	server, secure := httptest.NewServer(mux), httptest.NewTLSServer(mux)
	t.Cleanup(server.Close)
	t.Cleanup(secure.Close)
	t.Setenv("http_proxy", "http://127.0.0.1:1")
	t.Setenv("https_proxy", "http://127.0.0.1:1")
	password := strings.Replace(server.URL, "//", "//user:hidden@", 1)

	for _, test := range []struct{ url, statuses, body, want string }{
		{server.URL + "/ok", "200-399", "", ""},
		{secure.URL + "/ok", "200-399", "", ""},
		{server.URL + "/ok", "200-399", "is well", ""},
		{server.URL + "/ok", "200-399", "is sick", `status 200 OK, but the answer does not contain "is sick"`},
		{server.URL + "/ok", "204,301-308", "", "status 200 OK"},
		{server.URL + "/sick", "200-399", "", "status 503 Service Unavailable"},
		{server.URL + "/sick", "503", "sick", ""},
		{server.URL + "/moved", "200-399", "", ""},
		{server.URL + "/moved", "200", "", "status 302 Found"},
		{server.URL + "/large", "200", "end", "does not contain"},
		{server.URL + "/hang", "200", "", server.URL + "/hang: no answer in time"},
		{server.URL + "/stall", "200", "", ""},
		{server.URL + "/stall?give-up", "200", "x", "no answer in time"},
		{"http://127.0.0.1:1/", "200", "", "http://127.0.0.1:1/: connection refused"},
		{"http://name.invalid/", "200", "", "the name name.invalid has no address"},
		{strings.Replace(server.URL, "http", "https", 1), "200", "", "server gave HTTP response to HTTPS client"},
		{"127.0.0.1:80", "200", "", "expected a URL such as"},
		{"ftp://127.0.0.1/", "200", "", "expected a URL such as"},
		{"http://", "200", "", "expected a URL such as"},
		{"http://a b/", "200", "", "expected a URL such as"},
		{password + "/sick", "200", "", "user:xxxxx@"},
		{"http://user:hidden@127.0.0.1:1/", "200", "", "user:xxxxx@"},
	} {
		statuses, err := ParseStatuses(test.statuses)
		want(t, test.statuses, err, "")
		ctx, cancel := context.WithCancelCause(t.Context())
		giveUp = func() { cancel(errors.New("no answer in time")) }
		err = HTTP(ctx, test.url, statuses, test.body)
		cancel(nil)
		want(t, test.url, err, test.want)
		if err != nil && strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: the error tells the password: %v", test.url, err)
		}
	}
}

func TestParseStatuses(t *testing.T) {
	for _, text := range []string{"", "ok", "99", "600", "200-", "-200", "300-200", "200,", "200 204", "200-299-399"} {
		_, err := ParseStatuses(text)
		want(t, text, err, "is no HTTP status")
	}
}

func TestTCP(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	want(t, "listen", err, "")
	want(t, "open", TCP(t.Context(), l.Addr().String()), "")
	want(t, "close", l.Close(), "")
	want(t, "closed", TCP(t.Context(), l.Addr().String()), "cannot connect to "+l.Addr().String()+": connection refused")
	want(t, "no port", TCP(t.Context(), "127.0.0.1"), "expected HOST:PORT such as")
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "alive")
	now := time.Now()
	want(t, "missing", File(path, 0, now), path+": no such file or directory")
	want(t, "write", os.WriteFile(path, nil, 0o600), "")
	want(t, "chtimes", os.Chtimes(path, now, now.Add(-time.Minute)), "")
	want(t, "any age", File(path, 0, now), "")
	want(t, "newer", File(path, 61*time.Second, now), "")
	want(t, "older", File(path, time.Minute, now), path+" was last changed 1m0s ago, which is not newer than 1m0s")
	want(t, "in the future", File(path, time.Second, now.Add(-time.Hour)), "")
	want(t, "below a file", File(path+"/x", 0, now), "not a directory")
}
