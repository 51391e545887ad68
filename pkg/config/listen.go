package config

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// unixPrefix begins the address of a socket in the file system.
const unixPrefix = "unix:"

// ListenAddress returns what net.Listen takes for IMAGE_HTTP_ADDRESS.
func (c Config) ListenAddress() (network, address string) {
	if path, ok := strings.CutPrefix(c.HTTPAddress, unixPrefix); ok {
		return "unix", path
	}
	return "tcp", c.HTTPAddress
}

func checkListen(v string) error {
	if path, ok := strings.CutPrefix(v, unixPrefix); ok {
		return checkSocket(path)
	}
	expected := errors.New("expected an address to listen on, such as :9090, 127.0.0.1:9090, [::1]:9090 or unix:/run/http.sock")
	colon := strings.LastIndexByte(v, ':')
	if colon < 0 {
		return expected
	}
	host, port := v[:colon], v[colon+1:]
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("expected a port from 1 to 65535 behind the last colon: %q", port)
	}
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		host = host[1 : len(host)-1]
		if a, err := netip.ParseAddr(host); err != nil || !a.Is6() {
			return expected
		}
		return nil
	}
	if strings.ContainsAny(host, ":/ \t\n[]%@") {
		return expected
	}
	return nil
}
