package containers

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/internal/containertest"
)

// TestExamples builds and runs every example, as its user, with a read-only root
// file system: it comes up, its probes are content, and a backup of it succeeds; then
// once more, and as another container that restores that backup on a new volume.
func TestExamples(t *testing.T) {
	p := containertest.New(t)
	port := func() string { return containertest.FreePort(t) }
	examples := map[string]struct {
		build, env []string
		port       string // the variable with its port
	}{
		"webapp": {port: "APP_PORT", env: []string{"APP_ADDRESS=127.0.0.1"}},
		"oidc-proxy": {port: "OIDC_PORT", build: []string{"--build-arg=OIDC_PROXY=stand-in"}, env: []string{
			"OIDC_ISSUER_URL=https://id.example.org", "OIDC_CLIENT_ID=webapp", "OIDC_CLIENT_SECRET=secret",
			"OIDC_ENCRYPTION_KEY=0123456789abcdef", "OIDC_REDIRECT_URL=http://localhost/oauth2/callback",
		}},
		"mongodb":         {port: "MONGODB_PORT", build: []string{"--build-arg=MONGODB_IMAGE=stand-in"}, env: []string{"EXPORTER_PORT=" + port(), "MONGODB_ROOT_PASSWORD=secret", "MONGODB_EXPORTER_PASSWORD=secret"}},
		"postgresql":      {port: "POSTGRESQL_PORT", env: []string{"POSTGRESQL_PASSWORD=secret", "POSTGRESQL_ADDRESS=127.0.0.1"}},
		"mariadb":         {port: "MARIADB_PORT", env: []string{"MARIADB_PASSWORD=secret", "MARIADB_ADDRESS=127.0.0.1"}},
		"redis":           {port: "REDIS_PORT", env: []string{"REDIS_PASSWORD=secret", "REDIS_ADDRESS=127.0.0.1"}},
		"release-watcher": {},
		"backup":          {},
	}
	dirs, err := filepath.Glob("../../examples/*/image")
	if err != nil || len(dirs) != len(examples) {
		t.Fatalf("%d examples are child images, and %d are run (%v)", len(dirs), len(examples), err)
	}
	for name, example := range examples {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			image := p.Build(t, "../../examples/"+name, example.build...)
			o := containertest.Options{ReadOnly: true, Volume: p.Volume(t), Env: example.env}
			if example.port != "" {
				o.Env = append(slices.Clip(o.Env), example.port+"="+containertest.FreePort(t))
			}
			c := p.Run(t, image, o)
			c.WaitUp(t)
			c.WaitExec(t, "container-manager", "check-readiness")
			c.Exec(t, "container-manager", "backup")
			c.Stop(t)
			c.Start(t)
			c.WaitUp(t)
			c.WaitExec(t, "container-manager", "check-readiness")
			c.Stop(t)

			archives := filepath.Join(p.VolumePath(t, o.Volume), "backup")
			o.Volume = p.Volume(t)
			next := p.Create(t, image, o)
			// podman fills a volume from the image when it is mounted for the first time.
			next.Start(t)
			next.WaitUp(t)
			next.Stop(t)
			if err := moveBackup(archives, p.VolumePath(t, o.Volume)); err != nil {
				t.Fatal(err)
			}
			next.Start(t)
			next.WaitUp(t)
			next.WaitExec(t, "container-manager", "check-readiness")
			if !strings.Contains(next.Log(), "restored") {
				t.Error("the log says nothing of a restore")
			}
			next.Stop(t)
		})
	}
}

// moveBackup makes a volume one that holds nothing but a backup.
func moveBackup(archives, volume string) error {
	entries, err := os.ReadDir(volume)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := os.RemoveAll(filepath.Join(volume, entry.Name())); err != nil {
			return err
		}
	}
	return os.Rename(archives, filepath.Join(volume, "backup"))
}

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
