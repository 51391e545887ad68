package render_test

import (
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

// supervisord takes the blanks around a program's name away.
func TestBlanksAroundAName(t *testing.T) {
	for _, enabled := range []bool{true, false} {
		tree := testenv.NewTree(t)
		testenv.Write(t, tree.Path("image/supervisord/conf.d/00-crond.conf"), "[program: crond ]\ncommand=x\nautostart=true\n", 0o644)
		environ := []string{"IMAGE_MAIN_PROGRAM=crond", "IMAGE_CRON_ENABLED=1"}
		if !enabled {
			environ[1] = "IMAGE_CRON_ENABLED=0"
		}
		got, there := accepted(t, tree, environ...)["crond:crond"]
		if !there || got.Autostart != enabled {
			t.Errorf("with %s crond is %+v", environ[1], got)
		}
	}
}

// What supervisord's parser ends with is a problem, and supervisord does end with
// it; what it takes is none.
func TestLinesAndCommands(t *testing.T) {
	const neither = " is neither a [section] nor an option (name = value), nor does it continue the one above: that takes blanks in front"
	for name, test := range map[string]struct{ conf, want string }{
		"no section":        {"; x\n\ncommand = x\n[program:x]\ncommand=x\n", `3: "command = x" stands before any section: begin with one, such as [program:app]`},
		"nothing but text":  {"hello\n", `1: "hello" stands before any section: begin with one, such as [program:app]`},
		"no option":         {"[program:x]\ncommand=x\nautostart\n", `3: "autostart"` + neither},
		"not indented":      {"[program:x]\ncommand=x\n--port 80 ; why\nuser=root\n", `3: "--port 80"` + neither},
		"no name":           {"[program:x]\ncommand=x\n= true\n", `3: "= true"` + neither},
		"no section's name": {"[program:x]\ncommand=x\n[]\n", `3: "[]"` + neither},
		"no command":        {"\n[program:x]\nautostart=true\n", "2: [program:x] has no command: add what to run (command = ...)"},
		"no command, twice": {"[program:x]\n[program:x]\nuser=root\n", "1: [program:x] has no command: add what to run (command = ...)"},
		"a deaf listener":   {"[eventlistener:x]\nevents=TICK_5\n", "1: [eventlistener:x] has no command: add what to run (command = ...)"},
		"commented out":     {"[program:x]\n;command=x\n", "1: [program:x] has no command: add what to run (command = ...)"},
		"in two sections":   {"[program:x]\nuser=root\n[program:x]\ncommand=x\n", ""},
		"in two files":      {"[program:crond]\nuser=root\n", ""},
		"a group":           {"[program:x]\ncommand=x\n[group:g]\nprograms=x\n", ""},
		"continued":         {"[program:x]\ncommand=x\n --port 80\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			tree := testenv.NewTree(t)
			conf := tree.Path("image/supervisord/conf.d/x.conf")
			if test.want == "" {
				testenv.Write(t, conf, test.conf, 0o644)
				accepted(t, tree)
				return
			}
			c := rendered(t, tree)
			testenv.Write(t, c.RunDir+"/supervisord/conf.d/x.conf", test.conf, 0o644)
			if processes, complaint := supervisord(t, c); complaint == "" {
				t.Errorf("supervisord takes it: %+v", processes)
			}
			testenv.Write(t, conf, test.conf, 0o644)
			if got, want := strings.Join(problems(t, tree), "\n"), "image/supervisord/conf.d/x.conf:"+test.want; got != want {
				t.Errorf("problems\n%s\nwant\n%s", got, want)
			}
		})
	}
}
