package webhook

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// server is a real one on loopback that keeps what it was asked.
type server struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string
	// statuses are the answers, one after another; the last one stays.
	statuses []int
	to       string // where redirects lead
}

func serve(t *testing.T, statuses ...int) *server {
	t.Helper()
	s := &server{statuses: statuses}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, strings.TrimSpace(r.Method+" "+r.URL.RequestURI()+" "+string(body)))
	status := s.statuses[0]
	if len(s.statuses) > 1 {
		s.statuses = s.statuses[1:]
	}
	if s.to != "" {
		w.Header().Set("Location", s.to)
	}
	w.WriteHeader(status)
}

func (s *server) got() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.asked, ", ")
}

var quick = Caller{Pause: time.Millisecond}

func TestPost(t *testing.T) {
	for _, test := range []struct {
		statuses []int
		tries    int
		want     string
	}{
		{[]int{200}, 1, ""},
		{[]int{204}, 1, ""},
		{[]int{500, 503, 200}, 3, ""},
		{[]int{429, 200}, 2, ""},
		{[]int{500}, 3, "status 500 Internal Server Error (3 tries)"},
		{[]int{502, 404}, 2, "status 404 Not Found (2 tries)"},
		{[]int{403}, 1, "status 403 Forbidden"},
		{[]int{302}, 1, "status 302 Found: redirects are not followed"},
		{[]int{307}, 1, "status 307 Temporary Redirect: redirects are not followed"},
	} {
		s := serve(t, test.statuses...)
		s.to = "file:///etc/passwd"
		err := quick.Post(t.Context(), s.URL+"/hook/secret-token?key=hidden", []byte("{}"))
		wantError(t, err, s.URL+": "+test.want, test.want == "")
		want := strings.Repeat("POST /hook/secret-token?key=hidden {}, ", test.tries)
		if got := s.got() + ", "; got != want {
			t.Errorf("%v: the server got %s, want %s", test.statuses, got, want)
		}
	}
}

func wantError(t *testing.T, err error, want string, none bool) {
	t.Helper()
	switch {
	case none:
		if err != nil {
			t.Errorf("error %v", err)
		}
	case err == nil || !strings.Contains(err.Error(), want):
		t.Errorf("error %v, want %s", err, want)
	case strings.Contains(err.Error(), "secret-token") || strings.Contains(err.Error(), "hidden"):
		t.Errorf("the error shows the address: %v", err)
	}
}

// A server that takes the connection and never answers.
func TestNoAnswer(t *testing.T) {
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(hanging.Close)
	c := Caller{Timeout: 50 * time.Millisecond, Pause: time.Millisecond}
	wantError(t, c.Post(t.Context(), hanging.URL+"/secret-token", nil), ": no answer within 50ms (3 tries)", false)

	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("the time is up"))
	wantError(t, c.Post(ctx, hanging.URL+"/secret-token", nil), ": the time is up", false)
}

func TestBadAddresses(t *testing.T) {
	for address, want := range map[string]string{
		"http://127.0.0.1:1/secret-token":           "http://127.0.0.1:1: connection refused (3 tries)",
		"http://name.invalid/secret-token":          "http://name.invalid: the name name.invalid has no address (3 tries)",
		"http://user:hidden@127.0.0.1:1/":           "http://127.0.0.1:1: connection refused",
		"file:///etc/secret-token":                  "expected a URL such as https://example.org/path",
		"secret-token":                              "expected a URL such as https://example.org/path",
		"http://":                                   "expected a URL such as https://example.org/path",
		"http://a b/secret-token":                   "expected a URL such as https://example.org/path",
		"https://:80/secret-token":                  "expected a URL such as https://example.org/path",
		"http://[::1%25secret-token]:1/hidden/\x7f": "expected a URL such as https://example.org/path",
	} {
		wantError(t, quick.Post(t.Context(), address, nil), want, false)
	}
}

// The certificate is checked, on loopback too.
func TestCertificates(t *testing.T) {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = nil
	s.TLS = &tls.Config{}
	s.StartTLS()
	t.Cleanup(s.Close)
	wantError(t, quick.Post(t.Context(), s.URL+"/secret-token", nil), s.URL+": tls: failed to verify certificate", false)
}

func TestPinger(t *testing.T) {
	s := serve(t, 500, 200)
	p := &Pinger{URL: s.URL + "/uuid/?create=1", Caller: quick, Failed: func(err error) { t.Error(err) }}
	p.Start(t.Context())
	p.End(t.Context(), 3)
	if got := s.got(); got != "GET /uuid/start?create=1, GET /uuid/start?create=1, GET /uuid/3?create=1" {
		t.Errorf("it was asked %s", got)
	}

	var failed []string
	gone := &Pinger{URL: "http://127.0.0.1:1/secret-token", Caller: quick, Failed: func(err error) { failed = append(failed, err.Error()) }}
	gone.Start(t.Context())
	gone.End(t.Context(), 0)
	const want = "http://127.0.0.1:1: connection refused (3 tries)"
	if len(failed) != 2 || failed[0] != want || failed[1] != want {
		t.Errorf("failures %q", failed)
	}

	none := &Pinger{Failed: func(err error) { t.Error(err) }}
	none.Start(t.Context())
	none.End(t.Context(), 0)
}

// One that never answers holds nobody up for longer than the limit.
func TestPingerWithoutAnswer(t *testing.T) {
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(hanging.Close)
	failed := make(chan error, 2)
	p := &Pinger{URL: hanging.URL + "/secret-token", Limit: 50 * time.Millisecond, Failed: func(err error) { failed <- err }}
	p.Start(t.Context())
	p.End(t.Context(), 0)
	for range 2 {
		wantError(t, <-failed, hanging.URL+": no answer in time", false)
	}
}
