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
			if log := c.WaitExec(t, "grep", "old cron has", "/storage/logs/crond.log"); !strings.Contains(log, "lines") {
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

			// Once more. The lock-down keeps every user but root from editing a template.
			c.Start(t)
			if user == "0" {
				c.WaitUp(t)
				c.Stop(t)
				return
			}
			if code := c.WaitEnd(t); code != 1 || !strings.Contains(c.Log(), "04-configure-filebeat.py") {
				t.Errorf("the second start ended with status %d, want 1, and the step that edits a template in the error", code)
			}
			next := p.Run(t, tree, o)
			next.WaitUp(t)
			next.Stop(t)
		})
	}
}

// TestOldRun replaces the entry point as well: nothing of a start is ours then.
func TestOldRun(t *testing.T) {
	p := containertest.New(t)
	c := p.Run(t, p.Build(t, "testdata/old-tree", "--target=whole"), containertest.Options{})
	c.WaitExec(t, "grep", "-q", "RUNNING", "/tmp/supervisor.crond.state")
	if strings.Contains(c.Log(), " s after the start") {
		t.Error("our own start ran")
	}
	c.Kill(t)
}
