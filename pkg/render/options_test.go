package render_test

import (
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

// supervisord takes all of these without a word.
func TestMistakesThatSupervisordTakes(t *testing.T) {
	for conf, want := range map[string]string{
		"[program:x]\ncommand=x\nauto_restart=true\n":               "x.conf:3: supervisord passes over auto_restart of [program:x], an option that it does not know: did you mean autorestart?",
		"[program:x]\ncommand=x\ncomand=y\n":                        "x.conf:3: supervisord passes over comand of [program:x], an option that it does not know: did you mean command?",
		"[program:x]\ncommand=x\nrestart_policy=always\n":           "x.conf:3: supervisord passes over restart_policy of [program:x], an option that it does not know",
		"[group:g]\nprogram=crond\n":                                "x.conf:2: supervisord passes over program of [group:g], an option that it does not know: did you mean programs?",
		"[program:x]\ncommand=x --port $APP_PORT\n":                 "x.conf:2: command of [program:x] gets $APP_PORT as it stands, because supervisord is no shell: write %(ENV_APP_PORT)s",
		"[program:x]\ncommand=x\nenvironment=A=\"${B_2}/c\"\n":      "x.conf:3: environment of [program:x] gets $B_2 as it stands, because supervisord is no shell: write %(ENV_B_2)s",
		"[program:x]\ncommand=/bin/sh -c 'x --port $APP_PORT'\n":    "",
		"[program:x]\ncommand=x --price 5$ --pattern a$ --id $1\n":  "",
		"[rpcinterface:x]\nanything=1\n[ctlplugin:x]\nanything=1\n": "",
		"[program:x]\ncommand=redis-server --daemonize yes\n":       "x.conf:2: command of [program:x]: redis-server goes into the background, where supervisord takes it for dead: run it in the foreground (--daemonize no)",
		"[program:x]\ncommand=/usr/sbin/sshd -e\n":                  "x.conf:2: command of [program:x]: sshd goes into the background, where supervisord takes it for dead: run it in the foreground (sshd -D -e)",
		"[program:x]\ncommand=pg_ctl -D /data start\n":              "x.conf:2: command of [program:x]: pg_ctl goes into the background, where supervisord takes it for dead: run it in the foreground (postgres -D DIRECTORY)",
		"[program:x]\ncommand=service nginx start\n":                "x.conf:2: command of [program:x]: service goes into the background, where supervisord takes it for dead: run it in the foreground (the program itself)",
		"[program:x]\ncommand=gunicorn --daemon app\n":              "x.conf:2: command of [program:x]: gunicorn goes into the background, where supervisord takes it for dead: run it in the foreground (without --daemon)",
		"[program:x]\ncommand=httpd\n":                              "x.conf:2: command of [program:x]: httpd goes into the background, where supervisord takes it for dead: run it in the foreground (httpd -DFOREGROUND)",
		"[program:x]\ncommand=httpd -f -p 80 -h /www\n":             "",
		"[program:x]\ncommand=apache2 -D NO_DETACH\n":               "",
		"[program:x]\ncommand=/bin/sh -c 'x &'\n":                   "x.conf:2: command of [program:x]: sh goes into the background, where supervisord takes it for dead: run it in the foreground (exec and no & at the end)",
		"[program:x]\ncommand=sshd -D -e\n":                         "",
		"[program:x]\ncommand=redis-server --daemonize no\n":        "",
		"[program:x]\ncommand=httpd -DFOREGROUND\n":                 "",
		"[program:x]\ncommand=/bin/sh -c 'x && y'\n":                "",
		"[program:x]\ncommand=nginx -g 'daemon off;'\n":             "",
		"[program:x]\ncommand=x\n\tautorestart = true\n":            "x.conf:3: supervisord takes \"autorestart = true\" for a part of command of [program:x], because a blank or tab stands in front of it: begin the line with autorestart",
		"[program:x]\n\tcommand=x\n\tautorestart = true\n":          "",
		"[program:x]\ncommand=x\n  --user=me\n":                     "",
		"[program:x]\ncommand=x\nenvironment=A=1,\n  user=2\n":      "",
		"[program:x]\ncommand=x\ndepends_on=crond\n":                "",
	} {
		tree := testenv.NewTree(t)
		testenv.Write(t, tree.Path("image/supervisord/conf.d/x.conf"), conf, 0o644)
		got := warnings(t, tree)
		if want == "" && got != "" || !strings.HasSuffix(got, want) || strings.Count(got, "\n") > 0 {
			t.Errorf("%q: warned\n%s\nwant\n%s", conf, got, want)
		}
	}
}

// nginx goes into the background unless its configuration says that it does not, which may
// be a template.
func TestNginxInTheBackground(t *testing.T) {
	for text, stays := range map[string]bool{"events {}\n": false, "daemon on; events {}\n": false, "daemon off;\n": true, "user x;\ndaemon\t  off;\n": true} {
		tree := testenv.NewTree(t)
		testenv.Write(t, tree.Path("image/supervisord/conf.d/x.conf"), "[program:x]\ncommand = nginx -c %(ENV_IMAGE_TEMPLATES_TARGET)s/nginx.conf\n", 0o644)
		testenv.Write(t, tree.Path("image/templates/nginx.conf"), text, 0o644)
		warned := strings.Contains(warnings(t, tree), "x.conf:2: command of [program:x]: nginx goes into the background")
		if warned == stays {
			t.Errorf("with the configuration %q it warns: %v", text, warned)
		}
	}
}
