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
