package config

import (
	"strings"
	"testing"
)

func TestListenAddresses(t *testing.T) {
	for _, good := range []string{":9090", "127.0.0.1:9090", "[::1]:80", "[::]:65535", "localhost:1", "unix:/run/http.sock"} {
		if err := checkListen(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for bad, want := range map[string]string{
		"9090":                              "expected an address to listen on, such as :9090",
		"::1:9090":                          "expected an address to listen on",
		"[127.0.0.1]:9090":                  "expected an address to listen on",
		"http://127.0.0.1:9090":             "expected an address to listen on",
		"a b:9090":                          "expected an address to listen on",
		":":                                 `expected a port from 1 to 65535 behind the last colon: ""`,
		":0":                                "expected a port from 1 to 65535",
		":65536":                            "expected a port from 1 to 65535",
		":http":                             `expected a port from 1 to 65535 behind the last colon: "http"`,
		":9090/metrics":                     `"9090/metrics"`,
		"unix:":                             "expected an absolute path",
		"unix:run/http.sock":                "expected an absolute path",
		"unix:/" + strings.Repeat("x", 200): "more than the",
	} {
		if err := checkListen(bad); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", bad, err, want)
		}
	}
	for value, want := range map[string][2]string{":9090": {"tcp", ":9090"}, "unix:/x": {"unix", "/x"}} {
		if network, address := (Config{HTTPAddress: value}).ListenAddress(); network != want[0] || address != want[1] {
			t.Errorf("%s: %s %s", value, network, address)
		}
	}
}
