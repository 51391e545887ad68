package containertest

import "testing"

// Adopt returns a container that something else has created and will remove: a
// pod, or compose. When the test fails, its log is shown.
func (p *Podman) Adopt(t testing.TB, name string) *Container {
	t.Helper()
	c := &Container{p: p, Name: name}
	c.log = c.Inspect(t, "{{.HostConfig.LogConfig.Path}}")
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the log of %s:\n%s", c.Name, c.read(0))
		}
	})
	return c
}
