package examples

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/internal/containertest"
)

func TestMain(m *testing.M) { os.Exit(containertest.Main(m)) }

// TestExampleImages builds and runs every example, as its user, with a read-only root
// file system: it comes up, its probes are content, and a backup of it succeeds; then
// once more, and as another container that restores that backup on a new volume.
func TestExampleImages(t *testing.T) {
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
	dirs, err := filepath.Glob(filepath.Join(examplesDir, "*", "image"))
	if err != nil || len(dirs) != len(examples) {
		t.Fatalf("%d examples are child images, and %d are run (%v)", len(dirs), len(examples), err)
	}
	for name, example := range examples {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			image := p.Build(t, filepath.Join(examplesDir, name), example.build...)
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
			// A database may lose the SIGTERM that comes while it starts.
			next.WaitExec(t, "container-manager", "check-readiness")
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
