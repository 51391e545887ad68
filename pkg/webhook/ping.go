package webhook

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/ZPascal/container-manager/pkg/config"
)

// Pinger tells a dead man's switch of one run of a job, by the protocol of
// healthchecks.io: it gets URL/start before, and URL/EXITSTATUS behind. Somebody there
// raises an alarm when these calls fail to come.
//
// Nothing of it delays the job: Start returns at once. Failed is called when an address
// did not answer; nothing else comes of it.
type Pinger struct {
	URL    string // "" pings nothing
	Failed func(error)
	// Limit is how long all tries of one call may take together; pingLimit when 0.
	Limit  time.Duration
	Caller Caller

	starting chan struct{} // closed when the call of Start has ended
}

const pingLimit = 10 * time.Second

// Start says that the job begins.
func (p *Pinger) Start(ctx context.Context) {
	if p.URL == "" {
		return
	}
	p.starting = make(chan struct{})
	go func() {
		defer close(p.starting)
		p.ping(ctx, "start")
	}()
}

// End says how the job has ended, and waits for the answer. The call that Start makes
// comes first.
func (p *Pinger) End(ctx context.Context, status int) {
	if p.URL == "" {
		return
	}
	select {
	case <-p.starting:
	case <-ctx.Done():
	}
	p.ping(ctx, strconv.Itoa(status))
}

func (p *Pinger) ping(ctx context.Context, what string) {
	limit := p.Limit
	if limit == 0 {
		limit = pingLimit
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errors.New("no answer in time"))
	defer cancel()
	address, err := below(p.URL, what)
	if err == nil {
		err = p.Caller.Get(ctx, address)
	}
	if err != nil && p.Failed != nil {
		p.Failed(err)
	}
}

// below adds a name to the path of an address. What stands behind a question mark stays
// there.
func below(address, name string) (string, error) {
	u, err := config.ParseURL(address)
	if err != nil {
		return "", err
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/")+"/"+name, ""
	return u.String(), nil
}
