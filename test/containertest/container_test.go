package containertest

import (
	"os"
	"testing"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

func TestStart(t *testing.T) {
	p := New(t)
	c := p.Run(t, BaseImage, Options{User: "500", ReadOnly: true})
	c.WaitUp(t)
	t.Log(c.Exec(t, "container-manager", "status"))
	c.Stop(t)
}
