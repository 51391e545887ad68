package web

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/abrander/go-supervisord"

	"github.com/ZPascal/container-manager/pkg/health"
	"github.com/ZPascal/container-manager/pkg/startorder"
	"github.com/ZPascal/container-manager/pkg/status"
)

// picture is what is known at one time. Only one goroutine makes it, and nobody changes
// it then, so all may read it.
type picture struct {
	server *Server
	at     time.Time
	all    []supervisord.ProcessInfo
	asked  error // supervisord does not answer

	verdicts map[health.Kind]verdicts

	once   sync.Once // makes the report, which only metrics and page need
	report status.Report

	plain, open rendered // metrics, in their two forms
}

// rendered is a text that is made when it is first wanted.
type rendered struct {
	once sync.Once
	text []byte
}

type verdicts struct {
	list []health.Verdict
	err  error
}

// An answer that is younger than fresh is used as it is. One that is younger than stale is
// used too, while a new one is made. So somebody who asks often never waits for
// supervisord, and somebody who asks now and then gets the truth of that moment.
const (
	fresh      = time.Second
	stale      = 3 * time.Second
	askTimeout = 5 * time.Second
)

// pictures makes pictures when they are wanted, one at a time.
type pictures struct {
	server *Server

	mu     sync.Mutex
	last   *picture
	making chan struct{} // closed when the one that is being made is there; nil when none is
}

func newPictures(s *Server) *pictures { return &pictures{server: s} }

// get returns a picture that is fresh enough.
func (p *pictures) get() *picture {
	p.mu.Lock()
	age := stale
	if p.last != nil {
		if age = p.server.Now().Sub(p.last.at); age < 0 { // the clock was set back
			age = stale
		}
	}
	last := p.last
	if age < fresh {
		p.mu.Unlock()
		return last
	}
	if p.making == nil {
		p.making = make(chan struct{})
		go p.make(p.making)
	}
	making := p.making
	p.mu.Unlock()
	if age < stale {
		return last
	}
	<-making // it takes askTimeout and a little more at most
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last
}

func (p *pictures) make(done chan struct{}) {
	picture := p.server.look()
	p.mu.Lock()
	p.last, p.making = picture, nil
	p.mu.Unlock()
	close(done)
}

// look makes a picture.
func (s *Server) look() *picture {
	ctx, cancel := context.WithTimeoutCause(context.Background(), askTimeout, fmt.Errorf("supervisord did not answer within %s", askTimeout))
	defer cancel()
	waiting := startorder.ReadRecord(s.Config.RunDir)
	all, err := s.Ask(ctx)
	p := &picture{server: s, at: s.Now(), all: all, asked: err, verdicts: map[health.Kind]verdicts{}}
	for _, kind := range health.Kinds() {
		if err == nil {
			list, err := health.Examine(s.Config, all, waiting, kind, p.at)
			p.verdicts[kind] = verdicts{list, err}
		}
	}
	return p
}

// whole returns the report that belongs to the picture. supervisord is not asked again.
func (p *picture) whole() status.Report {
	p.once.Do(func() {
		answer := func(context.Context) ([]supervisord.ProcessInfo, error) { return p.all, p.asked }
		p.report, _ = status.Gather(context.Background(), p.server.Config, answer, p.at)
	})
	return p.report
}
