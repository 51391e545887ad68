package render_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/pkg/backoff"
	"github.com/ZPascal/container-manager/pkg/render"
	"github.com/ZPascal/container-manager/pkg/supervisorconf"
	"github.com/ZPascal/container-manager/test/testenv"
)

func TestRestartBackoff(t *testing.T) {
	const on = "IMAGE_RESTART_BACKOFF=5m"
	tree := testenv.NewTree(t)
	testenv.Write(t, tree.Path("image/supervisord/conf.d/x.conf"), programs("a; b autorestart=TRUE; c autorestart=false; "+
		"d autorestart=%(ENV_AGAIN)s numprocs=2 process_name=d%(process_num)d; e depends_on=a; eventlistener:own events=TICK_5; group:g programs=a,b"), 0o644)
	environ := []string{"IMAGE_LOG_STDOUT=on", "AGAIN=on"}
	before := accepted(t, tree, environ...)
	files := map[string]string{}
	for _, name := range []string{"global.conf", "conf.d/00-crond.conf", "conf.d/01-filebeat.conf", "conf.d/x.conf"} {
		files[name] = testenv.Read(t, tree.Path("run/supervisord", name))
		if strings.Contains(files[name], backoff.Key) {
			t.Errorf("off, %s has the option", name)
		}
	}
	if got := accepted(t, tree, append(environ, on)...); !maps.EqualFunc(before, got, func(a, b process) bool { return a.Command == b.Command && a.Autostart == b.Autostart }) {
		t.Errorf("the programs are %+v, they were %+v", got, before)
	}
	c := load(t, tree, append(environ, on)...)
	conf, err := supervisorconf.Load(render.SupervisorConf(c), c.Lookup)
	if err != nil {
		t.Fatal(err)
	}
	var paused []string
	for _, s := range conf.Sections {
		if s.IsProgram() && backoff.IsPaused(s) {
			paused = append(paused, s.Name+" "+backoff.Autorestart(s)+" "+s.Value("autorestart", ""))
		}
	}
	slices.Sort(paused)
	want := "program:a unexpected false, program:b true false, program:d true false, program:e unexpected false"
	if got := strings.Join(paused, ", "); got != want {
		t.Errorf("paused are %s, want %s", got, want)
	}
	if got := conf.Section("eventlistener:health").Value("startsecs", ""); got != "0" {
		t.Errorf("startsecs of the event listener are %q", got)
	}
	// Off again, everything is as it was.
	rendered(t, tree, environ...)
	for name, want := range files {
		if got := testenv.Read(t, tree.Path("run/supervisord", name)); got != want {
			t.Errorf("off again, %s is\n%s", name, got)
		}
	}
}

// Where nobody would start a program again, supervisord goes on doing it.
func TestRestartBackoffWithoutAListener(t *testing.T) {
	tree := testenv.NewTree(t)
	testenv.Write(t, tree.Path("image/supervisord/conf.d/x.conf"), programs("a"), 0o644)
	testenv.Script(t, tree.Path("image/supervisord/eventlistener.py"), "") // a child image's own
	result, err := render.All(load(t, tree, "IMAGE_RESTART_BACKOFF=5m"))
	if err != nil {
		t.Fatal(err)
	}
	const want = "x.conf:1: [program:a] is started again at once, in spite of IMAGE_RESTART_BACKOFF: the container manager's own event listener would wait, and this image replaces it"
	if got := strings.Join(result.Warnings, "\n"); !strings.HasSuffix(got, want) {
		t.Errorf("the warnings are\n%s", got)
	}
	if text := testenv.Read(t, tree.Path("run/supervisord/conf.d/x.conf")); strings.Contains(text, "autorestart") {
		t.Errorf("rendered\n%s", text)
	}
}
