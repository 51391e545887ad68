package boot

import (
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

// TestTemplates starts twice as a plain user, with a target in the image tree, which the
// lock-down closes but for the target.
func TestTemplates(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, dir string) {
		tree := testenv.NewTreeAt(t, dir)
		testenv.Write(t, tree.Path("image/templates/sub/app.conf"), "port ${APP_PORT:-80}, made by ${MADE_BY:-nobody}\n", 0o640)
		testenv.Chown(t, tree.Root, 500)
		testenv.Become(t, 500)
		for _, target := range []string{tree.Path("image/made"), tree.Path("run/templates")} {
			c := newContainer(t, tree, "IMAGE_TEMPLATES_TARGET="+target)
			for range 2 {
				c.start()
				if got := testenv.Read(t, target+"/sub/app.conf"); got != "port 80, made by nobody\n" {
					t.Errorf("rendered %q", got)
				}
				if got := testenv.Mode(t, target+"/sub/app.conf"); got != 0o640 {
					t.Errorf("the mode is %s", got)
				}
				if got := testenv.Mode(t, tree.Path("image/templates/sub/app.conf")); got != 0o440 {
					t.Errorf("the template has the mode %s", got)
				}
			}
		}
	})
}
