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

	"github.com/ZPascal/container-manager/pkg/supervisorconf"
)

// callTimeout is far above what an answer takes that waits for no program.
const callTimeout = 10 * time.Second

// Client asks a supervisord. It holds no connection: one undecodable answer would
// end a shared one for good.
type Client struct {
	server supervisorconf.Server
	conf   *supervisorconf.Conf // says how long programs take; nil where it is not known
}

// AtSocket returns a client for the supervisord that listens on a unix socket. It
// does not know how long programs take.
func AtSocket(path string) Client {
	return Client{server: supervisorconf.Server{Network: "unix", Address: path}}
}

// At returns a client for the supervisord that listens there, which only touches it.
func At(server supervisorconf.Server) Client { return Client{server: server} }

func (c Client) String() string { return c.server.Address }

// IsAbsent reports whether nothing can listen: there is no such socket. That costs
// a fraction of trying to connect.
func (c Client) IsAbsent() bool {
	if c.server.Network != "unix" {
		return false
	}
	_, err := os.Lstat(c.server.Address)
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
	return d.DialContext(ctx, c.server.Network, c.server.Address)
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
		supervisord.WithAuthentication(c.server.Username, c.server.Password))
	if err != nil {
		return err
	}
	defer client.Close()
	err = do(client)
	if err == nil {
		return nil
	}
	if request, ok := errors.AsType[*url.Error](err); ok {
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

// bound gives the library's requests a context, which they lack, and limits the size of
// the answers, which the library reads whole.
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
