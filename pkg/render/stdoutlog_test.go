package render_test

import (
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

func TestStdoutLogProgram(t *testing.T) {
	const on = "IMAGE_LOG_STDOUT=on"
	global := func(tree testenv.Tree) string { return testenv.Read(t, tree.Path("run/supervisord/global.conf")) }

	tree := rotation(t, nil)
	if got := accepted(t, tree); len(got) != 3 || strings.Contains(global(tree), "silent") {
		t.Errorf("without %s there are %+v", on, got)
	}
	got := accepted(t, tree, on)
	if p := got["stdout-log:stdout-log"]; p.Command != "container-manager stdout-log" || !p.Autostart || p.Stdout != "None" {
		t.Errorf("the program is %+v", p)
	}
	if !strings.Contains(global(tree), "\nsilent = true\n") {
		t.Errorf("supervisord is not silent:\n%s", global(tree))
	}
	if got := maxBytes(t, tree, "program:stdout-log", "stderr_logfile"); got != "1MB" {
		t.Errorf("its log is rotated at %s", got)
	}

	// It is a log like any other for a child image's block.
	tree = rotation(t, map[string]string{"all": "LOGS/*.log {\n}\n"})
	if got := warnings(t, tree, on); got != "" {
		t.Error(got)
	}
	if got := maxBytes(t, tree, "program:stdout-log", "stderr_logfile"); got != "0" {
		t.Errorf("its log is rotated by logrotate and at %s", got)
	}

	// A supervisord that logs to nothing but standard output goes on with it.
	for _, log := range []string{"/dev/null", "NONE"} {
		tree = rotation(t, map[string]string{"z.conf": "[supervisord]\nlogfile = " + log + "\n"})
		accepted(t, tree, on)
		if strings.Contains(global(tree)+testenv.Read(t, tree.Path("run/supervisord/conf.d/z.conf")), "silent") {
			t.Errorf("supervisord, which logs to %s, is silent", log)
		}
	}

	tree = rotation(t, map[string]string{"app.conf": "[program:app]\ncommand=x\n\n[program:stdout-log]\ncommand=x\n"})
	accepted(t, tree)
	want := "image/supervisord/conf.d/app.conf:4: [program:stdout-log] is the container manager's own program while IMAGE_LOG_STDOUT is on: choose another name"
	if got := problems(t, tree, on); len(got) != 1 || got[0] != want {
		t.Errorf("problems %q, want %q", got, want)
	}
}

func TestHTTPProgram(t *testing.T) {
	const on = "IMAGE_HTTP_ADDRESS=:9090"
	tree := rotation(t, nil)
	if got := accepted(t, tree); len(got) != 3 {
		t.Errorf("without %s there are %+v", on, got)
	}
	if p := accepted(t, tree, on)["http:http"]; p.Command != "container-manager http-listener" || !p.Autostart || p.Stdout != "None" {
		t.Errorf("the program is %+v", p)
	}
	tree = rotation(t, map[string]string{"app.conf": "[program:http]\ncommand=x\n"})
	accepted(t, tree)
	want := "image/supervisord/conf.d/app.conf:1: [program:http] is the container manager's own program while IMAGE_HTTP_ADDRESS is set: choose another name"
	if got := problems(t, tree, on); len(got) != 1 || got[0] != want {
		t.Errorf("problems %q, want %q", got, want)
	}
}
