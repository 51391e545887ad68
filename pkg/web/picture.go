package web

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/abrander/go-supervisord"

	"github.com/ZPascal/container-manager/pkg/health"
	"github.com/ZPascal/container-manager/pkg/startorder"
)

// picture is what is known at one time. Only one goroutine makes it, and nobody changes
// it then, so all may read it.
type picture struct {
	at    time.Time
	all   []supervisord.ProcessInfo
	asked error // supervisord does not answer

	verdicts map[health.Kind]verdicts

	signs     signs
	trusted   bool         // nothing changed while it was made, so its signs tell of each change since
	confirmed atomic.Int64 // when they were last the same, in nanoseconds; 0 when nobody has looked
	texts     texts
}

type verdicts struct {
	list []health.Verdict
	err  error
}

// How old a picture may be. One that is younger than fresh is used as it is, so supervisord
// is asked once a second at most.
//
// One that is younger than stale is used too, while a new one is made. So somebody who
// asks often never waits for supervisord, and somebody who asks now and then gets the
// truth of that moment.
//
// For health that takes too long: kubelet asks once in 10 s, and would wait each time. While
// no file tells of a change, a picture is used until it is as old as kept. From renewed on
// a new one is made beside the answer, because no file tells that supervisord hangs. Once a
// file has changed, its age counts from the last look at which no file had.
const (
	fresh      = time.Second
	stale      = 3 * time.Second
	renewed    = 5 * time.Second
	kept       = 12 * time.Second
	glance     = 100 * time.Millisecond // how long nobody looks for a change again
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

// recent returns a picture for people and metrics, with times in it: one that is younger
// than stale.
func (p *pictures) recent() *picture {
	last, age := p.latest()
	if age < fresh {
		return last
	}
	return p.newer(last, age)
}

// forHealth returns a picture that may be older than a recent one while nothing has changed
// since.
func (p *pictures) forHealth() *picture {
	last, age := p.latest()
	switch {
	case age < fresh:
		return last
	case age >= kept || !last.trusted:
		return p.newer(last, age)
	}
	now := p.server.Now()
	unseen := now.Sub(time.Unix(0, last.confirmed.Load()))
	if unseen < 0 || unseen >= glance {
		if !last.signs.areSame() {
			return p.newer(last, min(age, unseen))
		}
		last.confirmed.Store(now.UnixNano())
	}
	if age >= renewed {
		p.renew(last)
	}
	return last
}

// latest returns the last picture, and how old it is. Without one, and when the clock was
// set back, that is older than any may be.
func (p *pictures) latest() (*picture, time.Duration) {
	p.mu.Lock()
	last := p.last
	p.mu.Unlock()
	if last != nil {
		if age := p.server.Now().Sub(last.at); age >= 0 {
			return last, age
		}
	}
	return last, kept
}

// newer has a new picture made. It waits for that when the last one is stale.
func (p *pictures) newer(last *picture, age time.Duration) *picture {
	making := p.renew(last)
	if age < stale {
		return last
	}
	<-making // it takes askTimeout and a little more at most
	last, _ = p.latest()
	return last
}

// renew begins a picture that takes the place of the last one, unless somebody else has
// done so. The channel is closed when it is there.
func (p *pictures) renew(last *picture) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.making != nil:
		return p.making
	case p.last != last:
		done := make(chan struct{})
		close(done)
		return done
	}
	p.making = make(chan struct{})
	go p.make(p.making)
	return p.making
}

func (p *pictures) make(done chan struct{}) {
	picture := p.look()
	p.mu.Lock()
	p.last, p.making = picture, nil
	p.mu.Unlock()
	close(done)
}

// look makes a picture. When something changes meanwhile, its signs are not trusted.
func (p *pictures) look() *picture {
	s := p.server
	ctx, cancel := context.WithTimeoutCause(context.Background(), askTimeout, fmt.Errorf("supervisord did not answer within %s", askTimeout))
	defer cancel()
	began := s.Now()
	waiting := startorder.ReadRecord(s.Config.RunDir)
	all, err := s.Ask(ctx)
	made := &picture{at: s.Now(), all: all, asked: err, verdicts: map[health.Kind]verdicts{}}
	for _, kind := range health.Kinds() {
		if err == nil {
			list, err := health.Examine(s.Config, all, waiting, kind, made.at)
			made.verdicts[kind] = verdicts{list, err}
		}
	}
	if err == nil && hasListener(all) {
		signs, complete := signsOf(s.Config, all)
		made.signs, made.trusted = signs, complete && signs.areOlder(began)
	}
	return made
}
