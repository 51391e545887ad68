package config

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// FilebeatOutput is the file with which an image says where filebeat ships to,
// in place of Redis.
func (c Config) FilebeatOutput() string { return filepath.Join(c.LoggingDir, "filebeat-output.yml") }

// HasFilebeatOutput reports whether there is such a file. An empty file does not
// count, so that a child image can take back the one of its base image.
func (c Config) HasFilebeatOutput() bool {
	info, err := os.Stat(c.FilebeatOutput())
	return err == nil && info.Mode().IsRegular() && info.Size() > 0
}

// ShipsLogs reports whether filebeat runs: there is somewhere to ship logs to.
func (c Config) ShipsLogs() bool { return c.RedisHost != "" || c.HasFilebeatOutput() }

// isServiceLink reports whether Kubernetes has set a port: for a service with the
// name logging-redis it gives every container LOGGING_REDIS_PORT=tcp://10.0.0.1:6379.
func (v Variable) isServiceLink() bool {
	return v.kind == "port" && strings.HasPrefix(os.Getenv(v.Name), "tcp://")
}

// settleRedis gives the variables of Redis the form that templates need: one address,
// and a boolean that every program reads. It returns contradictions between variables,
// each of which is valid by itself.
func (c *Config) settleRedis() (problems []string) {
	host, port := splitAddress(c.RedisHost)
	if port != "" && c.RedisPort != "" && port != c.RedisPort {
		err := fmt.Errorf("LOGGING_REDIS_HOST names port %s: give one of them", port)
		problems = append(problems, variable("LOGGING_REDIS_PORT").problem(err))
	}
	c.RedisHost = joinAddress(host, cmp.Or(port, c.RedisPort))
	_ = os.Setenv("LOGGING_REDIS_HOST", c.RedisHost)
	if c.RedisCAFile != "" && !c.RedisTLS {
		err := errors.New("is set, but LOGGING_REDIS_TLS is not true: set that too, or unset this")
		problems = append(problems, variable("LOGGING_REDIS_CA_FILE").problem(err))
	}
	_ = os.Setenv("LOGGING_REDIS_TLS", strconv.FormatBool(bool(c.RedisTLS)))
	return problems
}

// splitAddress takes the port off, where there is one, and the brackets.
func splitAddress(address string) (host, port string) {
	if isAddress(address) {
		return address, ""
	}
	if host, port, err := net.SplitHostPort(address); err == nil {
		return host, port
	}
	return strings.Trim(address, "[]"), ""
}

// joinAddress may leave the port out: filebeat takes 6379 then.
func joinAddress(host, port string) string {
	switch {
	case host != "" && port != "":
		return net.JoinHostPort(host, port)
	case isAddress(host) && strings.Contains(host, ":"):
		return "[" + host + "]"
	}
	return host
}

// isAddress reports whether v is an IP address, without a port.
func isAddress(v string) bool { return net.ParseIP(v) != nil }

func checkHost(v string) error {
	if strings.ContainsAny(v, " \t\r\n/@?#,") {
		return errors.New("expected host or host:port")
	}
	inner := strings.TrimSuffix(strings.TrimPrefix(v, "["), "]")
	if !strings.Contains(v, ":") || isAddress(v) || v == "["+inner+"]" && isAddress(inner) {
		return nil
	}
	host, port, err := net.SplitHostPort(v)
	if err != nil || host == "" || checkPort(port) != nil {
		return errors.New("expected host or host:port, with a port from 1 to 65535")
	}
	return nil
}

func checkPort(v string) error {
	if n, err := strconv.ParseUint(v, 10, 16); err != nil || n == 0 {
		return errors.New("expected a port from 1 to 65535")
	}
	return nil
}

// checkDatabase wants a number as filebeat reads it: with a 0 in front it would
// be octal.
func checkDatabase(v string) error {
	if n, err := strconv.ParseUint(v, 10, 31); err != nil || strconv.FormatUint(n, 10) != v {
		return errors.New("expected a whole number from 0 up")
	}
	return nil
}

// checkKey refuses filebeat's format strings. A line that lacks the field which such a
// string names would be lost.
func checkKey(v string) error {
	if strings.Contains(v, "%{") {
		return errors.New("expected the name of a list, without %{: a filebeat-output.yml can have that")
	}
	return nil
}
