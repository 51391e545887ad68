package config

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

func TestRedisAddress(t *testing.T) {
	for _, c := range []struct{ host, port, want string }{
		{"", "", ""},
		{"", "6380", ""},
		{"redis", "", "redis"},
		{"redis", "6380", "redis:6380"},
		{"redis:6380", "", "redis:6380"},
		{"redis:6380", "6380", "redis:6380"},
		{"10.0.0.1", "1", "10.0.0.1:1"},
		{"::1", "", "[::1]"},
		{"[::1]", "", "[::1]"},
		{"::1", "6380", "[::1]:6380"},
		{"[::1]", "6380", "[::1]:6380"},
		{"[::1]:6380", "", "[::1]:6380"},
		{"[::1]:6380", "6380", "[::1]:6380"},
		{"redis:6380", "tcp://10.0.0.1:6379", "redis:6380"}, // set by Kubernetes
		{"redis", "tcp://10.0.0.1:6379", "redis"},
	} {
		loaded := loadValid(t, "LOGGING_REDIS_HOST="+c.host, "LOGGING_REDIS_PORT="+c.port)
		if env, _ := loaded.Lookup("LOGGING_REDIS_HOST"); loaded.RedisHost != c.want || env != c.want {
			t.Errorf("%q and %q make %q (%q in the environment), want %q", c.host, c.port, loaded.RedisHost, env, c.want)
		}
		if again := loadValid(t, "LOGGING_REDIS_HOST="+c.want, "LOGGING_REDIS_PORT="+c.port); again.RedisHost != c.want {
			t.Errorf("%q and %q make %q the second time", c.want, c.port, again.RedisHost)
		}
	}
}

func TestRedisContradictions(t *testing.T) {
	for _, c := range []struct {
		environ []string
		want    string
	}{
		{
			[]string{"LOGGING_REDIS_HOST=redis:6380", "LOGGING_REDIS_PORT=6379"},
			`LOGGING_REDIS_PORT="6379": LOGGING_REDIS_HOST names port 6380: give one of them`,
		},
		{
			[]string{"LOGGING_REDIS_HOST=redis", "LOGGING_REDIS_CA_FILE=/ca.pem", "LOGGING_REDIS_TLS=off"},
			`LOGGING_REDIS_CA_FILE="/ca.pem": is set, but LOGGING_REDIS_TLS is not true: set that too, or unset this`,
		},
	} {
		if got := problems(t, c.environ...); !slices.Equal(got, []string{c.want}) {
			t.Errorf("%q: problems %q, want %q", c.environ, got, c.want)
		}
	}
}

// filebeat reads other words for a boolean than we do.
func TestRedisTLSIsTrueOrFalse(t *testing.T) {
	for value, want := range map[string]string{"": "false", "yes": "true", "ON": "true", "1": "true", "no": "false", "off": "false"} {
		c := loadValid(t, "LOGGING_REDIS_TLS="+value)
		if got, _ := c.Lookup("LOGGING_REDIS_TLS"); got != want {
			t.Errorf("%q becomes %q, want %q", value, got, want)
		}
	}
}

func TestShipsLogs(t *testing.T) {
	dir := testenv.Dir(t)
	ships := func(environ ...string) bool {
		return loadValid(t, append(environ, "IMAGE_LOGGING_DIR="+dir)...).ShipsLogs()
	}
	if ships() || !ships("LOGGING_REDIS_HOST=redis") {
		t.Error("without a file, logs are not shipped exactly where there is a Redis")
	}
	output := filepath.Join(dir, "filebeat-output.yml")
	testenv.Write(t, output, "output.console: {}\n", 0o644)
	if !ships() || !ships("LOGGING_REDIS_HOST=redis") {
		t.Error("logs are not shipped although the image says where to")
	}
	testenv.Write(t, output, "", 0o644)
	if ships() {
		t.Error("logs are shipped with an empty file")
	}
}
