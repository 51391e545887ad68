package supervisor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

func TestFromConfig(t *testing.T) {
	t.Setenv("DIR", "/run/it")
	t.Setenv("PASSWORD", "50% {secret}")
	path := filepath.Join(t.TempDir(), "global.conf")
	for conf, want := range map[string]Client{
		"[unix_http_server]\nfile = /tmp/x.sock ; where\n":                                       {network: "unix", address: "/tmp/x.sock"},
		"[unix_http_server]\nfile=%(ENV_DIR)s/sock\nusername=me\npassword=%(ENV_PASSWORD)s\n":    {"unix", "/run/it/sock", "me", "50% {secret}"},
		"[inet_http_server]\nport = 127.0.0.1:9001\nusername = me\npassword = x\n":               {"tcp", "127.0.0.1:9001", "me", "x"},
		"[inet_http_server]\nport = *:9001\n":                                                    {network: "tcp", address: "127.0.0.1:9001"},
		"[inet_http_server]\nport = :9001\n":                                                     {network: "tcp", address: "127.0.0.1:9001"},
		"[inet_http_server]\nport = 9001\n":                                                      {network: "tcp", address: "127.0.0.1:9001"},
		"[inet_http_server]\nport = web.example:80\n":                                            {network: "tcp", address: "web.example:80"},
		"[inet_http_server]\nport = 9001\n[unix_http_server]\nfile=/tmp/x.sock\n[supervisord]\n": {network: "unix", address: "/tmp/x.sock"},
	} {
		testenv.Write(t, path, conf, 0o644)
		if got, err := FromConfig(path, os.LookupEnv); err != nil || got != want {
			t.Errorf("%q: %v, %+v, want %+v", conf, err, got, want)
		}
	}
	testenv.Write(t, path, "[supervisord]\n[program:app]\nfile = /tmp/x.sock\n", 0o644)
	_, err := FromConfig(path, os.LookupEnv)
	mustFail(t, err, path+" has neither [unix_http_server] nor [inet_http_server]: supervisord cannot be asked")
	_, err = FromConfig(path+".none", os.LookupEnv)
	mustFail(t, err, "cannot find supervisord: open "+path+".none: no such file or directory (has the container started?)")
}

func TestLogFile(t *testing.T) {
	t.Setenv("DIR", "/run/it")
	dir := testenv.Dir(t)
	t.Chdir(dir)
	for conf, want := range map[string]string{
		"[supervisord]\nlogfile = %(ENV_DIR)s/x.log\n":         "/run/it/x.log",
		"[supervisord]\n[program:a]\nlogfile = /tmp/x\n":       filepath.Join(dir, "supervisord.log"),
		"[supervisord]\nlogfile=/a\n[supervisord]\nlogfile=/b": "/b",
		"[supervisord]\nlogfile =\n":                           filepath.Join(dir, "supervisord.log"),
	} {
		testenv.Write(t, "global.conf", conf, 0o644)
		if got, err := LogFile("global.conf", os.LookupEnv); err != nil || got != want {
			t.Errorf("%q: %v, %s, want %s", conf, err, got, want)
		}
	}
	if _, err := LogFile("none", os.LookupEnv); err == nil || !strings.Contains(err.Error(), "has the container started?") {
		t.Errorf("error %v", err)
	}
}
