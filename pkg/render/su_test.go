package render_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/pkg/render"
	"github.com/ZPascal/container-manager/test/testenv"
)

// A volume's directories may belong to a group that all containers share: root's
// logrotate leaves their logs alone unless it is told as whom to rotate.
func TestLogrotateInDirectoriesOfOthers(t *testing.T) {
	const plain = "daily\nmissingok\nrotate 2\ninclude ${IMAGE_LOGGING_DIR}/logrotate.d\n"
	for name, test := range map[string]struct {
		mode     fs.FileMode
		uid, gid int
		global   string
		su       string // its su lines
	}{
		"root's":               {0o755, 0, 0, plain, ""},
		"root's group":         {0o775, 0, 0, plain, ""},
		"another user's":       {0o755, 500, 500, plain, ""},
		"another group's":      {0o775 | fs.ModeSetgid, 0, 500, plain, "su root root"},
		"everybody's":          {0o777, 0, 0, plain, "su root root"},
		"with a template's su": {0o775, 0, 500, "su root daemon\n" + plain, "su root daemon"},
	} {
		t.Run(name, func(t *testing.T) {
			testenv.Isolated(t, func(t *testing.T, dir string) {
				tree := testenv.NewTreeAt(t, dir)
				testenv.Write(t, tree.Path("image/logging/logrotate-global.conf"), test.global, 0o644)
				c := rendered(t, tree) // by an earlier start
				if err := os.Chown(c.LogsDir, test.uid, test.gid); err != nil {
					t.Fatal(err)
				}
				testenv.Chmod(t, c.LogsDir, test.mode)
				c = rendered(t, tree)
				testenv.Write(t, filepath.Join(c.LogsDir, "crond.log"), "cron\n", 0o644)
				if out := logrotate(t, c, "-f"); out != "" {
					t.Errorf("logrotate says %s", out)
				}
				if !testenv.Exists(filepath.Join(c.LogsDir, "crond.log.1")) {
					t.Errorf("nothing was rotated, there is %q", testenv.Names(t, c.LogsDir))
				}
				var su []string
				for line := range strings.Lines(testenv.Read(t, render.LogrotateConf(c))) {
					if strings.HasPrefix(line, "su ") {
						su = append(su, strings.TrimSpace(line))
					}
				}
				if got := strings.Join(su, " "); got != test.su {
					t.Errorf("has %q, want %q", got, test.su)
				}
			})
		})
	}
}
