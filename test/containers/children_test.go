package containers

import (
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/internal/containertest"
)

// TestOldStyle is a child image as they were written for the Python version:
// files without execute bits over ours, pip, chown and chmod in its Dockerfile.
func TestOldStyle(t *testing.T) {
	p := containertest.New(t)
	packages, err := p.PackageIndex()
	if err != nil {
		t.Fatal(err)
	}
	image := p.Build(t, "testdata/old-style", packages...)
	volume := p.Volume(t)
	port := containertest.FreePort(t)
	c := p.Run(t, image, containertest.Options{Volume: volume, Env: []string{"WEB_PORT=" + port, "IMAGE_HEALTH_LIVENESS_CHECK_ENABLED=true", "IMAGE_HEALTH_GRACE=0s"}})
	c.WaitUp(t)
	if !strings.Contains(c.Log(), "logs stay where they are") {
		t.Error("the step that replaces the built-in one did not run")
	}
	for _, check := range []string{"check-liveness", "check-readiness"} {
		if out := c.WaitExec(t, "container-manager", check); !strings.Contains(out, "web answers") {
			t.Errorf("%s says %q", check, out)
		}
	}
	if status := c.Exec(t, "container-manager", "status"); !strings.Contains(status, "echo report") {
		t.Errorf("the job that a step appended is missing:\n%s", status)
	}
	if page := c.Exec(t, "cat", "/storage/data/web/index.html"); !strings.HasPrefix(page, "hello from a package\n") || !strings.Contains(page, "STORAGE_DATA_DIR=\"/storage/data\"\n") {
		t.Errorf("the step with utils.py wrote %q", page)
	}
	// It hangs, and the probe restarts it.
	c.Exec(t, "sh", "-c", `kill -STOP "$(cat /tmp/supervisor.web.pid)"`)
	if _, err := c.TryExec(t, "container-manager", "check-readiness"); containertest.ExitCode(err) != 1 {
		t.Errorf("the check of a program that hangs: %v, want status 1", err)
	}
	c.WaitExec(t, "container-manager", "check-readiness")
	c.Stop(t)
	c.Start(t)
	c.WaitUp(t)
	c.Stop(t)
}

// TestGenerations is a child of a child, which removes a built-in step with rm and
// another by an empty file.
func TestGenerations(t *testing.T) {
	p := containertest.New(t)
	parent := p.Build(t, "testdata/app")
	image := p.Build(t, "testdata/generation", "--build-arg=PARENT="+parent)
	forEachRoot(t, func(t *testing.T, o containertest.Options) {
		a := runApp(t, p, image, o)
		log := a.Log()
		if !strings.Contains(log, "hello from a grandchild") || strings.Contains(log, "04-configure-filebeat") {
			t.Error("want the grandchild's step, and not the one that it removed, in the log")
		}
		if status := a.Exec(t, "container-manager", "status"); strings.Contains(status, "logrotate") || !strings.Contains(status, "check-readiness") {
			t.Errorf("the jobs of other steps than the emptied one are expected:\n%s", status)
		}
		if me := a.ask(t); me.UID != 500 {
			t.Errorf("it runs as %d, want its USER, 500", me.UID)
		}
		a.Stop(t)
		a.Start(t)
		a.WaitUp(t)
		a.Stop(t)
	})
}
