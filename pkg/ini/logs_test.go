package ini

import (
	"fmt"
	"strings"
	"testing"
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
			for _, l := range Logs([]*File{Parse("x", test.conf)}, lookup) {
				text := fmt.Sprintf("%s %s %s %s", l.Section, l.Key(), l.Process, l.Path)
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

func TestExpandNames(t *testing.T) {
	names := map[string]any{"n": 7, "s": "app"}
	for value, want := range map[string]string{
		"%(n)d %(n)s %(n)03d %(s)s": "7 7 007 app",
		"%(n)-3d|%(s)5s|":           "7  |  app|",
		"%%(n)s %% 5%":              "%(n)s % 5%",
		"%(n) %(n)x %(o)s %(n)":     "%(n) %(n)x %(o)s %(n)",
		"%n) %( %()s":               "%n) %( %()s",
	} {
		if got := ExpandNames(value, names); got != want {
			t.Errorf("%q is %q, want %q", value, got, want)
		}
	}
}
