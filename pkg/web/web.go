// Package web serves what is known of a container over HTTP: whether it is alive and
// ready, metrics for Prometheus, and a page for people. It changes nothing.
//
// Every answer comes from one picture of the container that is at most a few seconds
// old (see pictures), so that supervisord is asked once a second at most, however
// many ask us. What lies on the volume is read by one goroutine at a time (see desk).
package web

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/status"
)

// Server answers requests.
type Server struct {
	Config  config.Config
	Ask     status.Processes
	Version string
	Log     log.Logger
	// Now is time.Now; tests set another clock.
	Now func() time.Time
	// Patience is how long somebody waits for what lies on the volume; 0 stands for some seconds.
	Patience time.Duration
	// Tell says something where a person looks first, beside the log. It may be nil.
	Tell func(text string)

	tokenTrouble atomic.Value // a string, which is in the log; "" when all is well
}

// Limits on what clients may do. An answer takes milliseconds, so whoever holds a
// connection for seconds is slow or means harm.
const (
	headerTimeout  = 5 * time.Second
	requestTimeout = 10 * time.Second
	answerTimeout  = 20 * time.Second
	idleTimeout    = 90 * time.Second // more than the time between two scrapes
	maxHeaders     = 8 << 10
	maxConnections = 128
	farewell       = 2 * time.Second
)

// Run serves until ctx is done. While it cannot listen it tries again: a port that
// somebody else has is no reason for the container to be unhealthy.
func (s *Server) Run(ctx context.Context) error {
	if err := s.checkToken(); err != nil {
		return err
	}
	l, err := s.listen(ctx)
	if err != nil {
		return nil // ctx is done
	}
	return s.Serve(ctx, l)
}

// Serve answers on a listener until ctx is done, and closes it.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: headerTimeout, ReadTimeout: requestTimeout, WriteTimeout: answerTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeaders,
		ErrorLog:       quiet(),
	}
	context.AfterFunc(ctx, func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
		defer cancel()
		if server.Shutdown(ending) != nil {
			_ = server.Close()
		}
	})
	err := server.Serve(newCrowd(l, maxConnections))
	if errors.Is(err, http.ErrServerClosed) || ctx.Err() != nil {
		return nil
	}
	return err
}

// Handler answers single requests.
func (s *Server) Handler() http.Handler {
	pictures := newPictures(s)
	d := newDesk(pictures, cmp.Or(s.Patience, deskTimeout))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.Set("Allow", "GET, HEAD")
			plain(w, http.StatusMethodNotAllowed, "only GET and HEAD: nothing can be changed here\n")
			return
		}
		switch r.URL.Path {
		case "/livez", "/readyz":
			s.serveHealth(w, r, pictures)
		case "/metrics":
			if s.mayPass(w, r) {
				s.serveMetrics(w, r, d)
			}
		case "/":
			if s.mayPass(w, r) {
				s.servePage(w, r, d)
			}
		default:
			plain(w, http.StatusNotFound, "there are /livez, /readyz, /metrics and /\n")
		}
	})
}

func plain(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(text))
}
