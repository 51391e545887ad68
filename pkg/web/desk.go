package web

import (
	"context"
	"sync"
	"time"

	"github.com/abrander/go-supervisord"

	"github.com/ZPascal/container-manager/pkg/status"
)

// form is what is made of a picture with what lies on the volume.
type form int

const (
	plainMetrics form = iota
	openMetrics
	page
	forms
)

// texts are the forms that have been made of a picture.
type texts struct {
	mu   sync.Mutex
	made [forms][]byte
}

func (t *texts) get(f form) []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.made[f]
}

func (t *texts) set(f form, text []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.made[f] = text
}

// desk makes texts, one at a time. It reads backups and logs for them, and a volume whose
// server is away lets readers hang for as long as it likes. Then one goroutine hangs, and
// all who ask hear of it.
type desk struct {
	pictures *pictures
	limit    time.Duration
	place    chan struct{} // holds one who works
}

func newDesk(p *pictures, limit time.Duration) *desk {
	return &desk{pictures: p, limit: limit, place: make(chan struct{}, 1)}
}

// deskTimeout is how long somebody waits for a text. That is less than the 10 s of a scrape of
// Prometheus, also when supervisord has not answered before.
const deskTimeout = 4 * time.Second

const busy = "what is known of backups, jobs and logs could not be read in time: does the storage answer?\n"

// text returns a form of a recent picture; ok is false when that takes too long.
func (d *desk) text(f form) (text []byte, ok bool) {
	p := d.pictures.recent()
	if text := p.texts.get(f); text != nil {
		return text, true
	}
	late := time.NewTimer(d.limit)
	defer late.Stop()
	select {
	case d.place <- struct{}{}:
	case <-late.C:
		return nil, false
	}
	done := make(chan []byte, 1)
	go func() {
		defer func() { <-d.place }()
		text := p.texts.get(f) // somebody has made it while we waited
		if text == nil {
			text = []byte(d.pictures.server.make(f, p))
			p.texts.set(f, text)
		}
		done <- text
	}()
	select {
	case text := <-done:
		return text, true
	case <-late.C:
		return nil, false
	}
}

func (s *Server) make(f form, p *picture) string {
	if f == page {
		return s.page(p)
	}
	return s.metrics(p, f == openMetrics)
}

// report returns the report that belongs to a picture. supervisord is not asked again.
func (s *Server) report(p *picture) status.Report {
	answer := func(context.Context) ([]supervisord.ProcessInfo, error) { return p.all, p.asked }
	report, _ := status.Gather(context.Background(), s.Config, answer, p.at)
	return report
}
