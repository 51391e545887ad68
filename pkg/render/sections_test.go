package render_test

import (
	"testing"

	"github.com/ZPascal/container-manager/internal/testenv"
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
