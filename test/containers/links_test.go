package containers

import (
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/internal/containertest"
)

// TestLinks builds a child that treats the saved environment and the crontab as the
// files that they were, and runs it: twice in the same container.
func TestLinks(t *testing.T) {
	p := containertest.New(t)
	image := p.Build(t, "testdata/links")
	forEachKind(t, func(t *testing.T, o containertest.Options) {
		c := p.Run(t, image, o)
		for range 2 { // starts
			c.WaitUp(t)
			crontab := c.Exec(t, "sh", "-c", `cat "$IMAGE_CRON_DIR/kubernetes"`)
			for _, want := range []string{"check-readiness", "\n30 3 * * * echo mine\n", "\n45 4 * * * echo step of /storage/data\n"} {
				if strings.Count(crontab, want) != 1 {
					t.Errorf("the crontab does not have %q once:\n%s", want, crontab)
				}
			}
			c.Exec(t, "sh", "-c", `grep -q "^IMAGE_BASE_DIR=" "$IMAGE_CONFIG_DIR/env" && test -e /tmp/supervisor.app.state && "$IMAGE_HEALTH_DIR/check-readiness.py"`)
			if strings.Contains(c.Log(), "WARN") {
				t.Errorf("it warns:\n%s", c.Log())
			}
			c.Stop(t)
			c.Start(t)
		}
		c.WaitUp(t)
		c.Stop(t)
	})
}
