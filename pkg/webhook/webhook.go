// Package webhook calls addresses of others: it posts an event, or says that a job
// begins and how it has ended.
//
// Such an address mostly holds a token, so no error shows more of it than the host.
// Redirects are not followed, because they may lead to another scheme or another host,
// and an event that is posted would get lost on the way.
package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/config"
)

// Caller calls addresses.
type Caller struct {
	// Timeout is how long one try may take; DefaultTimeout when 0.
	Timeout time.Duration
	// Pause is the time before the second try; before the third it is twice that.
	// DefaultPause when 0.
	Pause time.Duration
}

// The defaults of a Caller, and how often it tries.
const (
	DefaultTimeout = 8 * time.Second
	DefaultPause   = time.Second
	tries          = 3
)

// Post posts JSON. An answer with a status of 200 to 299 is a success.
func (c Caller) Post(ctx context.Context, address string, body []byte) error {
	return c.call(ctx, http.MethodPost, address, body)
}

// Get gets an address, and is content with the same answers.
func (c Caller) Get(ctx context.Context, address string) error {
	return c.call(ctx, http.MethodGet, address, nil)
}

func (c Caller) call(ctx context.Context, method, address string, body []byte) error {
	u, err := config.ParseURL(address)
	if err != nil {
		return err
	}
	host := u.Scheme + "://" + u.Host
	client := &http.Client{
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	pause := c.Pause
	if pause == 0 {
		pause = DefaultPause
	}
	for try := 1; ; try++ {
		again, err := c.try(ctx, client, method, address, body)
		if err == nil {
			return nil
		}
		if !again || try == tries {
			return fmt.Errorf("%s: %w%s", host, err, after(try))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w%s", host, err, after(try))
		case <-time.After(pause):
		}
		pause *= 2
	}
}

func after(tries int) string {
	if tries == 1 {
		return ""
	}
	return fmt.Sprintf(" (%d tries)", tries)
}

// try calls once. again is whether another try may help.
func (c Caller) try(ctx context.Context, client *http.Client, method, address string, body []byte) (again bool, err error) {
	limit := c.Timeout
	if limit == 0 {
		limit = DefaultTimeout
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("no answer within %s", limit))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return false, errors.New("cannot be asked: is the address right?") // err shows it
	}
	req.Header.Set("User-Agent", "container-manager")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := client.Do(req)
	if err != nil {
		return true, reason(ctx, err)
	}
	defer resp.Body.Close()
	const most = 64 << 10
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, most)) // its status is known already
	switch status := resp.StatusCode; {
	case status >= 200 && status <= 299:
		return false, nil
	case status >= 300 && status <= 399:
		return false, fmt.Errorf("status %s: redirects are not followed", resp.Status)
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status >= 500:
		return true, fmt.Errorf("status %s", resp.Status)
	}
	return false, fmt.Errorf("status %s", resp.Status)
}

// reason is what an error says at its heart. What stands around it shows the address.
func reason(ctx context.Context, err error) error {
	if request, ok := errors.AsType[*url.Error](err); ok {
		err = request.Err
	}
	dns, isDNS := errors.AsType[*net.DNSError](err)
	errno, isErrno := errors.AsType[unix.Errno](err)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case isDNS:
		return fmt.Errorf("the name %s has no address", dns.Name)
	case isErrno:
		return errno
	}
	return err
}
