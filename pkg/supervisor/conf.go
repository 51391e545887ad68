package supervisor

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"

	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/ini"
)

func readConf(path string) (*ini.File, error) {
	data, err := fsutil.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot find supervisord: %w (has the container started?)", err)
	}
	return ini.Parse(path, string(data)), nil
}

// Lookup returns a variable of the environment.
type Lookup func(name string) (value string, ok bool)

// get returns the value of a key as supervisord expands it.
func (l Lookup) get(s ini.Section, key string) string {
	value, _, _ := s.Get(key)
	return ini.ExpandEnv(value, l)
}

// FromConfig returns a client for the supervisord that reads the given
// configuration file in the given environment: its unix socket, else its TCP port.
func FromConfig(path string, env Lookup) (Client, error) {
	f, err := readConf(path)
	if err != nil {
		return Client{}, err
	}
	var c Client
	for _, s := range f.Sections {
		switch {
		case s.Name == "unix_http_server":
			return Client{"unix", env.get(s, "file"), env.get(s, "username"), env.get(s, "password")}, nil
		case s.Name == "inet_http_server":
			host, port, found := strings.Cut(env.get(s, "port"), ":")
			if !found {
				host, port = "", host
			}
			if host == "" || host == "*" {
				host = "127.0.0.1"
			}
			c = Client{"tcp", net.JoinHostPort(host, port), env.get(s, "username"), env.get(s, "password")}
		}
	}
	if c.network == "" {
		return c, fmt.Errorf("%s has neither [unix_http_server] nor [inet_http_server]: supervisord cannot be asked", path)
	}
	return c, nil
}

// LogFile returns where the supervisord that reads the given configuration file
// logs to. What is no file has no log that could be read.
func LogFile(path string, env Lookup) (string, error) {
	f, err := readConf(path)
	if err != nil {
		return "", err
	}
	name := "supervisord.log"
	for _, s := range f.Sections {
		if value := env.get(s, "logfile"); s.Name == "supervisord" && value != "" {
			name = value
		}
	}
	return filepath.Abs(name)
}
