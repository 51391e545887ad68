package supervisorconf

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

func TestLogs(t *testing.T) {
	environ := map[string]string{"LOGS": "/logs", "N": "2", "YES": "True"}
	lookup := func(name string) (string, bool) {
		value, ok := environ[name]
		return value, ok
	}
	for name, test := range map[string]struct{ conf, want string }{
		"supervisord":           {"[supervisord]\nlogfile=%(ENV_LOGS)s/s.log", "supervisord logfile supervisord /logs/s.log"},
		"both":                  {"[program:a]\nstdout_logfile=/o\nstderr_logfile=/e", "program:a stdout_logfile a /o; program:a stderr_logfile a /e"},
		"redirected":            {"[program:a]\nstdout_logfile=/o\nstderr_logfile=/e\nredirect_stderr=%(ENV_YES)s", "program:a stdout_logfile a /o"},
		"none":                  {"[program:a]\nstdout_logfile=NONE\nstderr_logfile=off", ""},
		"syslog and devices":    {"[program:a]\nstdout_logfile=syslog\nstderr_logfile=/dev/fd/1", ""},
		"its own names":         {"[program: a ]\nredirect_stderr=1\nstdout_logfile=/l/%(program_name)s-%(group_name)s.log", "program: a  stdout_logfile a /l/a-a.log"},
		"a percent sign":        {"[program:a]\nredirect_stderr=1\nstdout_logfile=/l/100%%.log", "program:a stdout_logfile a /l/100%.log"},
		"in a group":            {"[group:g]\nprograms=b, a\n[program:a]\nredirect_stderr=1\nstdout_logfile=/l/%(group_name)s", "program:a stdout_logfile a /l/g"},
		"several processes":     {"[program:a]\nredirect_stderr=1\nnumprocs=%(ENV_N)s\nnumprocs_start=9\nprocess_name=%(program_name)s_%(process_num)02d\nstdout_logfile=/l/%(process_num)03d.log", "program:a stdout_logfile a_09 /l/009.log; program:a stdout_logfile a_10 /l/010.log"},
		"an unknown name":       {"[program:a]\nstdout_logfile=/l/%(ENV_NONE)s\nstderr_logfile=/l/%(nothing)s", ""},
		"no name":               {"[supervisord]\nlogfile=none\nchildlogdir=/c\nidentifier=i\n[eventlistener:l]\nstderr_logfile=NONE", "eventlistener:l stdout_logfile l /c/l-stdout---i-*.log auto"},
		"in two sections":       {"[program:a]\nredirect_stderr=1\nstdout_logfile=/one\n[program:a]\nstdout_logfile=/two", "program:a stdout_logfile a /two"},
		"a way that is not ":    {"[program:a]\nredirect_stderr=1\nstdout_logfile=/l/../m//x", "program:a stdout_logfile a /m/x"},
		"nothing of a program ": {"[include]\nfiles=x\n[unix_http_server]\nfile=/x", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, l := range confOf(lookup, test.conf).Logs() {
				text := fmt.Sprintf("%s %s %s %s", l.Section.Name, l.Key(), l.Process, l.Path)
				if l.Auto {
					text += " auto"
				}
				got = append(got, text)
			}
			if strings.Join(got, "; ") != test.want {
				t.Errorf("got  %s\nwant %s", strings.Join(got, "; "), test.want)
			}
		})
	}
}

func TestExpandOfAProcess(t *testing.T) {
	names := map[string]any{"n": 7, "s": "app"}
	for value, want := range map[string]string{
		"%(n)d %(n)s %(n)03d %(s)s": "7 7 007 app",
		"%(n)-3d|%(s)5s|":           "7  |  app|",
		"%%(n)s %% 5%":              "%(n)s % 5%",
		"%(n) %(n)x %(o)s %(n)":     "%(n) %(n)x %(o)s %(n)",
		"%n) %( %()s":               "%n) %( %()s",
	} {
		if got := confOf(noEnv).expand(value, names); got != want {
			t.Errorf("%q is %q, want %q", value, got, want)
		}
	}
}

func TestExpand(t *testing.T) {
	c := confOf(func(name string) (string, bool) {
		value, ok := map[string]string{"A": "1", "EMPTY": "", "P": "%(ENV_A)s 100%%"}[name]
		return value, ok
	})
	for value, want := range map[string]string{
		"":                               "",
		"plain 100% %(here)s":            "plain 100% %(here)s",
		"%(ENV_A)s":                      "1",
		"x%(ENV_A)s%(ENV_EMPTY)s/y":      "x1/y",
		"%(ENV_NONE)s/%(ENV_A)s":         "%(ENV_NONE)s/1",
		"%(ENV_P)s":                      "%(ENV_A)s 100%%", // once
		"100%% %%(ENV_A)s":               "100% %(ENV_A)s",
		"%(program_name)s-%(ENV_A)s.log": "%(program_name)s-1.log",
		"%(ENV_A":                        "%(ENV_A",
	} {
		if got := c.Expand(value); got != want {
			t.Errorf("%q is %q, want %q", value, got, want)
		}
		if got := c.Expand(EscapePercent(value)); got != value {
			t.Errorf("%q, escaped, is %q", value, got)
		}
	}
}

func TestServer(t *testing.T) {
	env := func(name string) (string, bool) {
		value, ok := map[string]string{"DIR": "/run/it", "PASSWORD": "50% {secret}"}[name]
		return value, ok
	}
	for conf, want := range map[string]Server{
		"[unix_http_server]\nfile = /tmp/x.sock ; where\n":                                       {Network: "unix", Address: "/tmp/x.sock"},
		"[unix_http_server]\nfile=%(ENV_DIR)s/sock\nusername=me\npassword=%(ENV_PASSWORD)s\n":    {"unix", "/run/it/sock", "me", "50% {secret}"},
		"[unix_http_server]\nfile=/x\n[unix_http_server]\nfile=/tmp/5%%\npassword=a%%b\n":        {Network: "unix", Address: "/tmp/5%", Password: "a%b"},
		"[inet_http_server]\nport = 127.0.0.1:9001\nusername = me\npassword = x\n":               {"tcp", "127.0.0.1:9001", "me", "x"},
		"[inet_http_server]\nport = *:9001\n":                                                    {Network: "tcp", Address: "127.0.0.1:9001"},
		"[inet_http_server]\nport = :9001\n":                                                     {Network: "tcp", Address: "127.0.0.1:9001"},
		"[inet_http_server]\nport = 9001\n":                                                      {Network: "tcp", Address: "127.0.0.1:9001"},
		"[inet_http_server]\nport = web.example:80\n":                                            {Network: "tcp", Address: "web.example:80"},
		"[inet_http_server]\nport = 9001\n[unix_http_server]\nfile=/tmp/x.sock\n[supervisord]\n": {Network: "unix", Address: "/tmp/x.sock"},
	} {
		if got, err := confOf(env, conf).Server(); err != nil || got != want {
			t.Errorf("%q: %v, %+v, want %+v", conf, err, got, want)
		}
	}
	_, err := confOf(env, "[supervisord]\n[program:app]\nfile = /tmp/x.sock\n").Server()
	if want := "x.conf has neither [unix_http_server] nor [inet_http_server]: supervisord cannot be asked"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestLogFile(t *testing.T) {
	dir := testenv.Dir(t)
	t.Chdir(dir)
	env := func(name string) (string, bool) { return "/run/it", name == "DIR" }
	for conf, want := range map[string]string{
		"[supervisord]\nlogfile = %(ENV_DIR)s/x.log\n":         "/run/it/x.log",
		"[supervisord]\n[program:a]\nlogfile = /tmp/x\n":       filepath.Join(dir, "supervisord.log"),
		"[supervisord]\nlogfile=/a\n[supervisord]\nlogfile=/b": "/b",
		"[supervisord]\nlogfile = /dev/null\n":                 "",
		"[program:a]\n":                                        "",
	} {
		if got := confOf(env, conf).LogFile(); got != want {
			t.Errorf("%q: %s, want %s", conf, got, want)
		}
	}
}

// What we say of processes is what supervisord itself makes of the configuration.
func TestProcessesAsSupervisordHasThem(t *testing.T) {
	const conf = `[supervisord]
environment = STOP="30"
[program:plain]
command = x
[program: blanks ]
command = x
autostart = No
startsecs = %(ENV_START)s
stopwaitsecs = %(ENV_STOP)s
[program:many]
command = x
numprocs = %(ENV_START)s
numprocs_start = 8
process_name = %(program_name)s_%(group_name)s_%(process_num)02d_%(ENV_START)s
[eventlistener:plain-listener]
command = x
events = TICK_5
autostart = 0
[fcgi-program:fast]
command = x
socket = tcp://localhost:9
startsecs = 7
[program:one]
command = x
[program:two]
command = x
[group:both]
programs = one, two
`
	testenv.NotQuick(t)
	const script = `
import json, sys
from supervisor.options import ServerOptions
options = ServerOptions()
options.realize(["-n", "-c", sys.argv[1]], doc="")
for group in options.process_group_configs:
    for p in group.process_configs:
        print(group.name, p.name, str(p.autostart).lower(), p.startsecs, p.stopwaitsecs)
`
	path := filepath.Join(testenv.Dir(t), "x.conf")
	testenv.Write(t, path, conf, 0o644)
	t.Setenv("START", "3")
	cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", "-W", "ignore", "-c", script, path)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	c, err := Load(path, os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range c.Processes() {
		got = append(got, fmt.Sprintln(p.Group, p.Name, p.Autostart, p.StartSecs, p.StopWaitSecs))
	}
	want := slices.Sorted(strings.Lines(string(out)))
	if slices.Sort(got); !slices.Equal(got, want) || len(got) != 9 {
		t.Errorf("got\n%swant\n%s", strings.Join(got, ""), strings.Join(want, ""))
	}
}

// One process is assumed where their number is none.
func TestProcessesOfANumberThatIsNone(t *testing.T) {
	c := confOf(noEnv, "[program:a]\n[program:b]\nnumprocs = 0\n[program:c]\nnumprocs = %(ENV_NONE)s\n[group:g]\n[supervisord]\n[program-x:f]\n")
	if got := len(c.Processes()); got != 3 {
		t.Errorf("%d processes, want 3", got)
	}
}
