package render_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

// A child image's own cron.py and eventlistener.py are what supervisord runs.
// Where they cannot be run, the start says why.
func TestEntryPointsOfAChild(t *testing.T) {
	for name, test := range map[string]struct {
		put  func(t *testing.T, path string)
		want string // behind the path; empty when it can be run
	}{
		"a script":       {func(t *testing.T, path string) { testenv.Script(t, path, "exit 0") }, ""},
		"not executable": {func(t *testing.T, path string) { testenv.Write(t, path, "#!/bin/sh\n", 0o644) }, " is not executable for uid 0: chmod 755 it in the image"},
		"no #! line":     {func(t *testing.T, path string) { testenv.Write(t, path, "print()\n", 0o755) }, ":1: has no #! line: begin it with #!/usr/bin/python3"},
		"empty":          {func(t *testing.T, path string) { testenv.Write(t, path, "", 0o755) }, " is empty: it does nothing"},
		"a directory":    {func(t *testing.T, path string) { testenv.Mkdir(t, path) }, " is no file but a directory"},
		"removed":        {func(*testing.T, string) {}, " does not exist"},
	} {
		for file, conf := range map[string]string{
			"image/cron/cron.py":                 "image/supervisord/conf.d/00-crond.conf:5: ",
			"image/supervisord/eventlistener.py": "image/supervisord/global.conf:",
		} {
			t.Run(name+" "+filepath.Base(file), func(t *testing.T) {
				tree := testenv.NewTree(t)
				if err := os.Remove(tree.Path(file)); err != nil {
					t.Fatal(err)
				}
				test.put(t, tree.Path(file))
				if test.want == "" {
					program := map[string]string{"image/cron/cron.py": "crond:crond", "image/supervisord/eventlistener.py": "health:health"}[file]
					if words := splitAsSupervisord(t, accepted(t, tree)[program].Command); words[0] != tree.Path(file) {
						t.Errorf("%s runs %q", program, words)
					}
					return
				}
				got := problems(t, tree)
				if len(got) != 1 || !strings.HasPrefix(got[0], conf) || !strings.HasSuffix(got[0], file+test.want) {
					t.Errorf("problems %q, want one of %s that says %s", got, conf, file+test.want)
				}
			})
		}
	}
}

// Without cron nobody runs cron.py.
func TestBrokenCronThatIsNotUsed(t *testing.T) {
	tree := testenv.NewTree(t)
	testenv.Write(t, tree.Path("image/cron/cron.py"), "", 0o755)
	accepted(t, tree, "IMAGE_CRON_ENABLED=0")
}
