package containers

import (
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/internal/containertest"
)

// TestOldTree lays a whole tree of old over ours. What lies there is what runs, and
// the start is ours: the programs come up, as often as the container starts.
func TestOldTree(t *testing.T) {
	p := containertest.New(t)
	tree := p.Build(t, "testdata/old-tree", "--target=tree")
	for _, user := range []string{"0", "500"} {
		t.Run(user, func(t *testing.T) {
			t.Parallel()
			o := containertest.Options{User: user, Volume: p.Volume(t)}
			c := p.Run(t, tree, o)
			c.WaitUp(t)
			for _, said := range []string{"saved the environment", "scheduled the backup", "edited the template", "created directories"} {
				if !strings.Contains(c.Log(), said) {
					t.Errorf("no old step has %s", said)
				}
			}
			if log := c.WaitExec(t, "grep", "old cron has", "/storage/logs/crond.log"); !strings.Contains(log, "4 jobs") {
				t.Errorf("the old cron logged %q", log)
			}
			if state := c.WaitExec(t, "grep", "-rl", "RUNNING", "/tmp/supervisor.crond.state"); state == "" {
				t.Error("the old event listener has written no state")
			}
			if status := c.Exec(t, "container-manager", "status"); !strings.Contains(status, "crond     RUNNING") {
				t.Errorf("status is\n%s", status)
			}
			if out := c.Exec(t, "/image/health/check-readiness.py"); !strings.Contains(out, "old readiness check") {
				t.Errorf("check-readiness.py says %q, want the old one's words", out)
			}
			c.Stop(t)

			c.Start(t)
			c.WaitUp(t)
			c.Stop(t)
		})
	}
}

// TestOldRun replaces the entry point as well: nothing of a start is ours then, and the
// container starts more than once all the same.
func TestOldRun(t *testing.T) {
	p := containertest.New(t)
	image := p.Build(t, "testdata/old-tree", "--target=whole")
	for _, user := range []string{"0", "500"} {
		t.Run(user, func(t *testing.T) {
			t.Parallel()
			c := p.Run(t, image, containertest.Options{User: user, Volume: p.Volume(t)})
			for range 2 { // starts
				c.WaitExec(t, "grep", "-q", "RUNNING", "/tmp/supervisor.crond.state")
				c.WaitExec(t, "grep", "-q", "^IMAGE_CONFIG_DIR=", "/image/config/env")
				if strings.Contains(c.Log(), " s after the start") {
					t.Error("our own start ran")
				}
				c.Kill(t)
				c.Start(t)
			}
			c.WaitExec(t, "grep", "-q", "RUNNING", "/tmp/supervisor.crond.state")
			c.Kill(t)
		})
	}
}
