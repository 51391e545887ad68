package render_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/pkg/render"
	"github.com/ZPascal/container-manager/pkg/startorder"
	"github.com/ZPascal/container-manager/pkg/supervisorconf"
	"github.com/ZPascal/container-manager/test/testenv"
)

// programs are sections NAME with a command and the lines that follow the name, up to
// the next one: `db; web depends_on=db`.
func programs(text string) string {
	var b strings.Builder
	for section := range strings.SplitSeq(text, "; ") {
		words := strings.Fields(section)
		if !strings.Contains(words[0], ":") {
			words[0] = "program:" + words[0]
		}
		fmt.Fprintf(&b, "[%s]\ncommand = sleep 1\n%s\n", words[0], strings.Join(words[1:], "\n"))
	}
	return b.String()
}

// What supervisord makes of programs that wait, and what the event listener reads.
func TestStartOrder(t *testing.T) {
	const defaults = 999
	for name, test := range map[string]struct{ conf, want string }{
		"nothing":         {"db; web", ""},
		"a probe":         {"db; web depends_on=db", "web: db (healthy) after 1000"},
		"no probe":        {"app; web depends_on=app", "web: app (running) after 1000"},
		"said outright":   {"db; job; web depends_on=db:running,job:completed,job:exited", "web: db (running), job (completed), job (exited) after 1000"},
		"a chain":         {"c depends_on=b; b depends_on=a; a priority=5", "c: b (running) after 1000, b: a (running) after 999"},
		"far enough":      {"a; b depends_on=a priority=2000", "b: a (running) after 2000"},
		"numprocs":        {"db; w depends_on=db numprocs=2 process_name=w%(process_num)d", "w:w0: db (healthy) after 1000, w:w1: db (healthy) after 1000"},
		"off":             {"db; web depends_on=db autostart=false", ""},
		"off by variable": {"db; web depends_on=db autostart=%(ENV_OFF)s", ""},
		"on by variable":  {"db; web depends_on=%(ENV_NEEDS)s autostart=%(ENV_ON)s", "web: db (healthy) after 1000"},
		"for nothing":     {"db; web depends_on=%(ENV_EMPTY)s", ""},
		"the plugin's":    {"db; web autostart=false dependent_startup=true dependent_startup_wait_for=db:running", "web: db (running) after 1000"},
		"not the plugin":  {"db; web dependent_startup=false dependent_startup_wait_for=db:running", ""},
		"groups":          {"a; b depends_on=a; group:g programs=b", "g:b: a (running) after 1000"},
		"in a group":      {"a; b depends_on=g:a; group:g programs=a,b", "g:b: g:a (running) after 1000"},
	} {
		t.Run(name, func(t *testing.T) {
			tree := testenv.NewTree(t)
			testenv.Write(t, tree.Path("image/supervisord/conf.d/x.conf"), programs(test.conf), 0o644)
			testenv.Script(t, tree.Path("image/health/readiness.probes.d/check-db.sh"), "")
			environ := []string{"OFF=No", "ON=1", "EMPTY=", "NEEDS=db"}
			accepted(t, tree, environ...)
			c := rendered(t, tree, environ...)
			read, err := supervisorconf.Load(render.SupervisorConf(c), c.Lookup)
			if err != nil {
				t.Fatal(err)
			}
			order, problems := startorder.Read(read, []string{"db"})
			var got []string
			for _, d := range order.Dependents {
				if d.Section.IsTrue("autostart", "true") {
					t.Errorf("supervisord starts [%s] itself", d.Section.Name)
				}
				for _, process := range d.Processes {
					s := d.Section
					if group := read.Section("group:g"); group != nil && name == "groups" {
						s = group
					}
					got = append(got, fmt.Sprintf("%s: %s after %s", process, strings.Join(startorder.Texts(d.Needs), ", "), s.Value("priority", fmt.Sprint(defaults))))
				}
			}
			if strings.Join(got, ", ") != test.want || problems != nil {
				t.Errorf("got  %s\nwant %s; problems %v", strings.Join(got, ", "), test.want, problems)
			}
			_, err = os.Stat(startorder.Path(c.RunDir))
			if there := err == nil; there != (test.want != "") {
				t.Errorf("the record is there: %v", there)
			}
			startSecs := read.Section("eventlistener:health").Value("startsecs", "")
			if (startSecs == "0") != (test.want != "") {
				t.Errorf("startsecs of the event listener are %q", startSecs)
			}
			if job := read.Section("program:job"); job != nil && job.Value("startsecs", "") != "0" {
				t.Error("an end of job within a second would be a failed start")
			}
		})
	}
}

func TestBadStartOrders(t *testing.T) {
	const names = " names no program: expected NAME, GROUP:NAME or GROUP, and behind it nothing, :running, :healthy or :completed"
	for name, test := range map[string]struct{ conf, want string }{
		"unknown":           {"[program:a]\ncommand=x\ndepends_on = b, a:up\n", `3: depends_on: "b"` + names + "\n" + `3: depends_on: "a:up"` + names},
		"in its line":       {"[program:a]\ncommand=x\ndepends_on =\n  crond\n  b\n", `5: depends_on: "b"` + names},
		"no probe":          {"[program:a]\ncommand=x\ndepends_on = crond:healthy\n", `3: depends_on: "crond:healthy" wants a readiness probe of crond, and there is none: add check-crond.sh to IMAGE_HEALTH_READINESS_DIR, or say :running`},
		"itself":            {"[program:a]\ncommand=x\ndepends_on = a\n", "3: depends_on: a circle, of which nothing could start: a waits for a"},
		"a circle":          {"[program:a]\ncommand=x\ndepends_on = b\n[program:b]\ncommand=x\ndepends_on=c\n[program:c]\ncommand=x\ndepends_on=a\n", "3: depends_on: a circle, of which nothing could start: a waits for b waits for c waits for a"},
		"of the plugin's":   {"[program:a]\ncommand=x\ndependent_startup=on\ndependent_startup_wait_for=b:running\n", `4: dependent_startup_wait_for: "b:running"` + names},
		"an event listener": {"[eventlistener:a]\ncommand=x\nevents=TICK_5\ndepends_on=crond\n", "4: [eventlistener:a]: an event listener waits for no program: supervisord starts it first"},
		"a variable":        {"[program:a]\ncommand=x\ndepends_on=%(ENV_NONE)s\n", `3: depends_on: the environment variable NONE is not set: set it, empty if need be (ENV NONE="" in the Dockerfile)`},
	} {
		t.Run(name, func(t *testing.T) {
			tree := testenv.NewTree(t)
			testenv.Write(t, tree.Path("image/supervisord/conf.d/x.conf"), test.conf, 0o644)
			var got []string
			for _, p := range problems(t, tree) {
				got = append(got, strings.TrimPrefix(p, "image/supervisord/conf.d/x.conf:"))
			}
			if name == "a variable" {
				got = got[:1] // what it would name is another
			}
			if strings.Join(got, "\n") != test.want {
				t.Errorf("problems\n%s\nwant\n%s", strings.Join(got, "\n"), test.want)
			}
		})
	}
}

func TestWarningsOfStartOrders(t *testing.T) {
	tree := testenv.NewTree(t)
	testenv.Write(t, tree.Path("image/supervisord/conf.d/x.conf"), programs("off autostart=%(ENV_OFF)s; a depends_on=d; b; c depends_on=b,off; d; group:g programs=a,b; group:h programs=c,d"), 0o644)
	testenv.Script(t, tree.Path("image/supervisord/eventlistener.py"), "") // a child image's own
	result, err := render.All(load(t, tree, "OFF=false"))
	if err != nil {
		t.Fatal(err)
	}
	got := strings.ReplaceAll(strings.Join(result.Warnings, "\n"), tree.Path("image/supervisord/conf.d")+string(filepath.Separator), "")
	for _, want := range []string{
		"[program:c] waits for off, which does not start by itself (autostart is off)",
		"[program:a] may stop after what it waits for: supervisord stops group after group, and groups wait for each other",
		"[program:c] waits for others: the container manager's own event listener would start it, which this image replaces",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the warnings lack %q:\n%s", want, got)
		}
	}
}

// A program is switched on or off by a variable.
func TestAutostart(t *testing.T) {
	for value, want := range map[string]string{
		"true": "", "1": "", "YES": "", "on": "", "false": "", "0": "", "No": "", "off": "",
		"": "x", "maybe": "x", "2": "x", "true ": "x",
	} {
		tree := testenv.NewTree(t)
		testenv.Write(t, tree.Path("image/supervisord/conf.d/x.conf"), "[program:worker]\ncommand = x\nautostart = %(ENV_WORKER_ENABLED)s\n", 0o644)
		environ := "WORKER_ENABLED=" + value
		if want == "" {
			on := strings.Contains("true 1 yes on", strings.ToLower(value))
			if got := accepted(t, tree, environ)["worker:worker"].Autostart; got != on {
				t.Errorf("%s: autostart is %v", environ, got)
			}
			continue
		}
		want := fmt.Sprintf("image/supervisord/conf.d/x.conf:3: autostart is %q: expected one of true, yes, on, 1, false, no, off, 0", value)
		if got := strings.Join(problems(t, tree, environ), "\n"); got != want {
			t.Errorf("%s: problems\n%s\nwant\n%s", environ, got, want)
		}
	}
}
