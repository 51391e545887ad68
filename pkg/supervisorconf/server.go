package supervisorconf

import (
	"fmt"
	"net"
	"strings"
)

// Server is where supervisord listens.
type Server struct {
	Network, Address   string // as for net.Dial
	Username, Password string
}

// Server returns where supervisord listens: its unix socket, else its TCP port.
func (c *Conf) Server() (Server, error) {
	server := func(s *Section, network, address string) (Server, error) {
		return Server{network, address, s.Value("username", ""), s.Value("password", "")}, nil
	}
	if s := c.Section("unix_http_server"); s != nil {
		return server(s, "unix", s.Value("file", ""))
	}
	s := c.Section("inet_http_server")
	if s == nil {
		return Server{}, fmt.Errorf("%s has neither [unix_http_server] nor [inet_http_server]: supervisord cannot be asked", c.Files[0].Path)
	}
	host, port, found := strings.Cut(s.Value("port", ""), ":")
	if !found {
		host, port = "", host
	}
	if host == "" || host == "*" {
		host = "127.0.0.1"
	}
	return server(s, "tcp", net.JoinHostPort(host, port))
}
