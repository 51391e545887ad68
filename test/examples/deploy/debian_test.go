package deploy

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/internal/containertest"
)

// TestDebian builds the example on the packages of this machine's distribution, and
// the web app on top of it.
func TestDebian(t *testing.T) {
	p := containertest.New(t)
	slim := p.Podman(t, "images", "--filter=reference=docker.io/library/*:*-slim", "--format={{.Repository}}:{{.Tag}}")
	p.Podman(t, "tag", slim, "docker.io/library/debian:13-slim")
	made := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "make", "-C", "../../..", "dist", "BUILD="+made, "VERSION=1.2.3", "PLATFORMS=linux/"+runtime.GOARCH).CombinedOutput(); err != nil {
		t.Fatalf("make dist: %v\n%s", err, out)
	}
	dockerfile, err := filepath.Abs(examples + "debian/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	const base = "localhost/container-manager:debian"
	// Not p.Build, which lends a build the certificates of this machine: it installs
	// some itself.
	args, err := p.PackageIndex()
	if err != nil {
		t.Fatal(err)
	}
	args = append([]string{"build", "--quiet", "--pull=never", "--network=host", "--layers=false", "--tag=" + base, "--file=" + dockerfile}, args...)
	p.Podman(t, append(args, filepath.Join(made, "dist"))...)
	webapp := p.Build(t, examples+"webapp", "--from="+base)

	t.Run("image", func(t *testing.T) {
		c := p.Run(t, base, containertest.Options{Flags: []string{"--network=none"}})
		c.WaitUp(t)
		for command, want := range map[string]string{
			"stat -c '%u:%g %a' /storage":                           "500:0 2775",
			"stat -c '%u:%g %a' /run.py /usr/bin/container-manager": "0:0 755\n0:0 755",
			"find /image ! -user 500 -o ! -group 500":               "",
			"id kubernetes": "uid=500(kubernetes) gid=500(kubernetes) groups=500(kubernetes)",
			"container-manager version | cut -d, -f1": "container-manager 1.2.3",
			"date +%Z | cut -c1-2":                    "CE",
			"python3 -Bc 'import requests, sys; sys.path.append(\"/image\"); import utils; print(utils.is_supervisor_process_running(\"crond\"))'": "True",
		} {
			if got := strings.TrimSpace(c.Exec(t, "sh", "-c", command)); got != want {
				t.Errorf("%s: %q, want %q", command, got, want)
			}
		}
		c.WaitExec(t, "container-manager", "health", "liveness")
		c.Stop(t)
	})
	for _, o := range []containertest.Options{
		{User: "0"},
		{User: "0", ReadOnly: true},
		{User: "500"},
		{User: "500", ReadOnly: true},
		{User: "12345:0", ReadOnly: true},
	} {
		name := "user " + o.User
		if o.ReadOnly {
			name += ", read-only"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o.Flags = []string{"--network=none"}
			c := p.Run(t, webapp, o)
			c.WaitUp(t)
			if page := c.Exec(t, "curl", "-s", "http://127.0.0.1:8080/"); !strings.HasPrefix(page, greeting) {
				t.Errorf("the app answers %q", page)
			}
			if status := c.Exec(t, "container-manager", "status"); !strings.Contains(status, "app       RUNNING") {
				t.Errorf("status says\n%s", status)
			}
			c.Exec(t, "sh", "-c", ". /tmp/container-manager/env; container-manager check-readiness && container-manager backup && container-manager backup verify")
			c.Exec(t, "sh", "-c", "logrotate -f -s /tmp/container-manager/logging/logrotate.state /tmp/container-manager/logging/logrotate-global.conf")
			c.WaitHealthy(t)
			c.Stop(t)
		})
	}
}
