// Package supervisor talks to supervisord over XML-RPC, through
// github.com/abrander/go-supervisord: with a time limit on every call, and with
// supervisord's faults as a type.
package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/abrander/go-supervisord"
	"golang.org/x/sys/unix"
)

// callTimeout is far above what an answer takes that waits for no program.
const callTimeout = 10 * time.Second

// Client is where supervisord listens. It holds no connection: one undecodable
// answer would end a shared one for good.
type Client struct {
	network, address   string // as for net.Dial
	username, password string
}

// AtSocket returns a client for the supervisord that listens on a unix socket.
func AtSocket(path string) Client { return Client{network: "unix", address: path} }

func (c Client) String() string { return c.address }

// IsAbsent reports whether nothing can listen: there is no such socket. That costs
// a fraction of trying to connect.
func (c Client) IsAbsent() bool {
	if c.network != "unix" {
		return false
	}
	_, err := os.Lstat(c.address)
	return errors.Is(err, fs.ErrNotExist)
}

// Touch connects and hangs up. supervisord sleeps for up to a second before it
// looks after its programs; a connection wakes it.
func (c Client) Touch(ctx context.Context) error {
	conn, err := c.dial(ctx)
	if err != nil {
		return err
	}
	return conn.Close()
}

func (c Client) dial(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, c.network, c.address)
}

// maxAnswer bounds what is read of an answer; one about 10,000 programs has 10 MB.
const maxAnswer = 32 << 20

// call runs one call with a client of its own, which ends with ctx or after the
// time-out.
func (c Client) call(ctx context.Context, timeout time.Duration, do func(*supervisord.Client) error) error {
	parent := ctx
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	transport := &http.Transport{
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return c.dial(ctx) },
		DisableKeepAlives: true,
	}
	defer transport.CloseIdleConnections()
	client, err := supervisord.NewClient("http://supervisord/RPC2",
		supervisord.WithTransport(bound{ctx, transport}),
		supervisord.WithAuthentication(c.username, c.password))
	if err != nil {
		return err
	}
	defer client.Close()
	err = do(client)
	if err == nil {
		return nil
	}
	var request *url.Error // says no more than what is asked of whom
	if errors.As(err, &request) {
		err = request.Err
	}
	fault := parseFault(err)
	switch {
	case fault != nil:
		return fault
	case parent.Err() != nil:
		return context.Cause(parent)
	case ctx.Err() != nil:
		return fmt.Errorf("supervisord at %s did not answer within %s", c, timeout)
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ECONNREFUSED):
		return fmt.Errorf("supervisord does not run: nothing listens at %s", c)
	}
	return fmt.Errorf("cannot ask supervisord at %s: %w", c, err)
}

// bound ties the library's requests, which know no context, to one, and bounds
// the answers, which it reads whole.
type bound struct {
	ctx context.Context
	http.RoundTripper
}

func (b bound) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := b.RoundTripper.RoundTrip(req.WithContext(b.ctx))
	if err == nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, maxAnswer), resp.Body}
	}
	return resp, err
}

// Processes returns what supervisord knows of all its processes.
func (c Client) Processes(ctx context.Context) ([]supervisord.ProcessInfo, error) {
	var infos []supervisord.ProcessInfo
	err := c.call(ctx, callTimeout, func(s *supervisord.Client) (err error) {
		infos, err = s.GetAllProcessInfo()
		return err
	})
	return infos, err
}

// ProgramConfig is what supervisord's configuration says of a process.
type ProgramConfig struct {
	Name         string `xmlrpc:"name"`
	Group        string `xmlrpc:"group"`
	Autostart    bool   `xmlrpc:"autostart"`
	StartSecs    int    `xmlrpc:"startsecs"`    // how long it has to run to count as RUNNING
	StopWaitSecs int    `xmlrpc:"stopwaitsecs"` // how long it may take to stop
}

// Configs returns the configuration of all processes, by full name.
func (c Client) Configs(ctx context.Context) (map[string]ProgramConfig, error) {
	var configs []ProgramConfig
	err := c.call(ctx, callTimeout, func(s *supervisord.Client) error {
		return s.Call("supervisor.getAllConfigInfo", nil, &configs)
	})
	named := make(map[string]ProgramConfig, len(configs))
	for _, config := range configs {
		named[FullName(config.Group, config.Name)] = config
	}
	return named, err
}
