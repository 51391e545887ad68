// Package supervisor talks to supervisord over XML-RPC, through
// github.com/abrander/go-supervisord: with a time limit on every call, and with
// supervisord's faults as a type.
package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/abrander/go-supervisord"
	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/ini"
)

// callTimeout is far above what an answer takes that waits for no program.
const callTimeout = 10 * time.Second

// Client is where supervisord listens. It holds no connection: one undecodable
// answer would end a shared one for good.
type Client struct {
	network, address   string // as for net.Dial
	username, password string
}

// FromConfig returns a client for the supervisord that reads the given
// configuration file: its unix socket, else its TCP port.
func FromConfig(path string) (Client, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Client{}, fmt.Errorf("cannot find supervisord: %w (has the container started?)", err)
	}
	f := ini.Parse(path, string(data))
	get := func(s ini.Section, key string) string {
		value, _, _ := s.Get(key)
		return ini.ExpandEnv(value, os.LookupEnv)
	}
	var c Client
	for _, s := range f.Sections {
		switch {
		case s.Name == "unix_http_server":
			return Client{"unix", get(s, "file"), get(s, "username"), get(s, "password")}, nil
		case s.Name == "inet_http_server":
			host, port, found := strings.Cut(get(s, "port"), ":")
			if !found {
				host, port = "", host
			}
			if host == "" || host == "*" {
				host = "127.0.0.1"
			}
			c = Client{"tcp", net.JoinHostPort(host, port), get(s, "username"), get(s, "password")}
		}
	}
	if c.network == "" {
		return c, fmt.Errorf("%s has neither [unix_http_server] nor [inet_http_server]: supervisord cannot be asked", path)
	}
	return c, nil
}

// AtSocket returns a client for the supervisord that listens on a unix socket.
func AtSocket(path string) Client { return Client{network: "unix", address: path} }

func (c Client) String() string { return c.address }

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

// programConfig is what supervisord's configuration says of a process.
type programConfig struct {
	Name         string `xmlrpc:"name"`
	Group        string `xmlrpc:"group"`
	Autostart    bool   `xmlrpc:"autostart"`
	StartSecs    int    `xmlrpc:"startsecs"`
	StopWaitSecs int    `xmlrpc:"stopwaitsecs"`
}

// configs returns the configuration of all processes, by full name.
func (c Client) configs(ctx context.Context) (map[string]programConfig, error) {
	var configs []programConfig
	err := c.call(ctx, callTimeout, func(s *supervisord.Client) error {
		return s.Call("supervisor.getAllConfigInfo", nil, &configs)
	})
	named := make(map[string]programConfig, len(configs))
	for _, config := range configs {
		named[FullName(config.Group, config.Name)] = config
	}
	return named, err
}
