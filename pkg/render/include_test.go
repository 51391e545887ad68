package render_test

import (
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

func TestInclude(t *testing.T) {
	for name, test := range map[string]struct {
		include string
		environ []string
	}{
		"absolute":           {"ROOT/image/supervisord/conf.d/*.conf ROOT/more/*.conf", nil},
		"from a variable":    {"%(ENV_IMAGE_SUPERVISOR_DIR)s/conf.d/*.conf %(ENV_MORE)s/*.conf", nil},
		"relative":           {"conf.d/*.conf ../../more/*.conf", nil},
		"here":               {"%(here)s/conf.d/*.conf %(here)s/../../more/*.conf", nil},
		"without conf.d":     {"ROOT/more/*.conf", nil},
		"twice the same":     {"ROOT/more/x.conf ROOT/more/*.conf", nil},
		"on lines":           {"\n  ROOT/more/x.conf\n  ROOT/more/y.conf ; why", nil},
		"a trailing slash":   {"%(ENV_IMAGE_SUPERVISOR_DIR)s/conf.d/*.conf %(ENV_MORE)s/*.conf", []string{"IMAGE_BASE_DIR=ROOT/image/", "MORE=ROOT/more/"}},
		"a path with a slip": {"ROOT//image/./supervisord/conf.d/*.conf ROOT/more//*.conf", nil},
	} {
		t.Run(name, func(t *testing.T) {
			tree := testenv.NewTree(t)
			root := strings.NewReplacer("ROOT", tree.Root)
			testenv.Write(t, tree.Path("image/supervisord/global.conf"), "[supervisord]\nlogfile=NONE\n[include]\nfiles="+root.Replace(test.include)+"\n", 0o644)
			testenv.Write(t, tree.Path("image/supervisord/conf.d/x.conf"), "[program:mine]\ncommand=x\n", 0o644)
			testenv.Write(t, tree.Path("more/x.conf"), "[program:more]\ncommand=%(here)s/x\n", 0o644)
			testenv.Write(t, tree.Path("more/y.conf"), "[program:y]\ncommand=y\n", 0o644)
			testenv.Write(t, tree.Path("more/z.txt"), "[program:z]\ncommand=z\n", 0o644)
			environ := []string{"MORE=" + tree.Path("more")}
			for _, e := range test.environ {
				environ = append(environ, root.Replace(e))
			}
			got := accepted(t, tree, environ...)
			if len(got) != 5 || got["mine:mine"].Command != "x" || got["more:more"].Command != tree.Path("more/x") || got["y:y"].Command != "y" {
				t.Errorf("got %+v, want crond, filebeat, mine, more and y", got)
			}
			want := "00-crond.conf 01-filebeat.conf more-x.conf x.conf y.conf"
			if names := strings.Join(testenv.Names(t, tree.Path("run/supervisord/conf.d")), " "); names != want {
				t.Errorf("rendered %s, want %s", names, want)
			}
		})
	}
}

func TestBadInclude(t *testing.T) {
	tree := testenv.NewTree(t)
	testenv.Write(t, tree.Path("image/supervisord/global.conf"), "[supervisord]\n[include]\nfiles=%(ENV_NONE)s/*.conf /etc/[\n", 0o644)
	got := strings.Join(problems(t, tree), "\n")
	for _, want := range []string{
		`image/supervisord/global.conf:2: [include] files: "/etc/[": syntax error in pattern`,
		`image/supervisord/global.conf:3: files: the environment variable NONE is not set`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("problems\n%s\nlack %s", got, want)
		}
	}
}
