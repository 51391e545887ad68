package deploy

import (
	"regexp"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/internal/containertest"
	"github.com/ZPascal/container-manager/test/testenv"
)

const (
	webappPod    = "webapp-pod-0" // podman's name for the first of a Deployment
	webappImage  = "registry.example/webapp:1.0.0"
	rcloneImage  = "docker.io/rclone/rclone:1.70.3"
	rcloneRecipe = "FROM docker.io/library/alpine:3.23\nCOPY rclone /usr/bin/\nENTRYPOINT [\"rclone\"]\n"
)

func TestKubernetes(t *testing.T) {
	c := newCluster(t, "base")
	c.Build(t, examples+"webapp", "--tag="+webappImage)
	c.play(t, "PersistentVolumeClaim webapp-storage", "Deployment webapp")
	webapp := c.Adopt(t, webappPod+"-webapp")
	webapp.WaitUp(t)

	t.Run("restricted", func(t *testing.T) { restricted(t, webapp, "500", "500") })
	t.Run("secrets", func(t *testing.T) {
		const passphrase = "example-only-replace-me"
		if env := webapp.Exec(t, "cat", "/tmp/container-manager/env"); !strings.Contains(env, `LOGGING_REDIS_PASSWORD="`+passphrase+`"`) {
			t.Error("FILE__LOGGING_REDIS_PASSWORD did not set LOGGING_REDIS_PASSWORD")
		}
		if strings.Contains(webapp.Log(), passphrase) {
			t.Error("a secret is in the log")
		}
	})
	t.Run("probes", func(t *testing.T) {
		webapp.WaitExec(t, ask("readyz")...)
		webapp.WaitHealthy(t)
		status := webapp.Exec(t, "container-manager", "status")
		if !regexp.MustCompile(`(?m)^app +RUNNING`).MatchString(status) {
			t.Errorf("status says\n%s", status)
		}
	})
	t.Run("liveness probe restarts the container", func(t *testing.T) { restartedWhenSick(t, c, webapp) })
	t.Run("off-site copy", func(t *testing.T) { copiedOffSite(t, c, webapp) })
	t.Run("new pod on the same claim", func(t *testing.T) {
		before := webapp.Exec(t, "cat", "/storage/data/app/notes.json")
		c.Podman.Podman(t, "stop", "--time=60", webapp.Name)
		if code := webapp.WaitEnd(t); code != 0 {
			t.Errorf("stopped with status %d, want 0", code)
		}
		c.Podman.Podman(t, "pod", "rm", "--force", "--time=0", webappPod)
		c.Podman.Podman(t, "volume", "rm", c.secretVolume(t))
		c.play(t, "Deployment webapp")
		again := c.Adopt(t, webapp.Name)
		again.WaitUp(t)
		if after := again.Exec(t, "cat", "/storage/data/app/notes.json"); after != before {
			t.Errorf("the data was %s and is %s", before, after)
		}
		if strings.Contains(again.Log(), "01-seed-app-data.py") {
			t.Error("the steps of the first start ran again")
		}
	})
}

// The user is the cluster's, its group 0.
func TestOpenShift(t *testing.T) {
	c := newCluster(t, "openshift")
	c.Build(t, examples+"webapp", "--tag="+webappImage)
	c.play(t, "PersistentVolumeClaim webapp-storage", "Deployment webapp")
	webapp := c.Adopt(t, webappPod+"-webapp")
	webapp.WaitUp(t)
	restricted(t, webapp, "12345", "0")
	webapp.WaitExec(t, ask("readyz")...)
	webapp.Exec(t, "container-manager", "backup")
	webapp.WaitHealthy(t)
}

// restricted wants what the manifests promise of a container that answers.
func restricted(t *testing.T, c *containertest.Container, uid, gid string) {
	t.Helper()
	if page := c.Exec(t, "curl", "-s", "http://127.0.0.1:8080/"); !strings.HasPrefix(page, greeting) {
		t.Errorf("the app answers %q", page)
	}
	if got := strings.Fields(c.Exec(t, "sh", "-c", "id -u; id -g")); got[0] != uid || got[1] != gid {
		t.Errorf("it runs as %s, want %s:%s", got, uid, gid)
	}
	status := c.Exec(t, "cat", "/proc/1/status")
	for _, want := range []string{"CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"} {
		if !strings.Contains(status, want+"\n") {
			t.Errorf("supervisord's /proc/1/status lacks %q:\n%s", want, status)
		}
	}
	for _, path := range []string{"/image/new", "/new", "/image/secrets/new"} {
		if out, err := c.TryExec(t, "touch", path); err == nil || !strings.Contains(out, "Read-only file system") {
			t.Errorf("%s can be written: %s", path, out)
		}
	}
	const block = "/image/logging/logrotate.d/logrotate-app.conf"
	c.Exec(t, "grep", "-q", " "+block+" ", "/proc/self/mountinfo")
	c.Exec(t, "grep", "-q", "rotate 14", "/tmp/container-manager/logging/logrotate.d/logrotate-app.conf")
	c.Exec(t, "sh", "-c", "logrotate -f -s /tmp/container-manager/logging/logrotate.state /tmp/container-manager/logging/logrotate-global.conf")
	if strings.Contains(c.Log(), `"level":"warn"`) {
		t.Errorf("it warns:\n%s", c.Log())
	}
}

// ask asks the listener as kubelet does.
func ask(path string) []string { return []string{"curl", "-sf", "http://localhost:9090/" + path} }

// restartedWhenSick takes supervisord's socket away: nothing in the container can
// mend that, and failureThreshold probes later it is a new one.
func restartedWhenSick(t *testing.T, c cluster, webapp *containertest.Container) {
	t.Helper()
	const failureThreshold = 3 // of the livenessProbe
	started := webapp.Inspect(t, "{{.State.StartedAt}}")
	webapp.Exec(t, "rm", "/tmp/supervisord.sock")
	testenv.WaitFor(t, "the listener knows that supervisord is out of reach", func() bool {
		_, err := webapp.TryExec(t, ask("livez")...)
		return err != nil
	})
	for i := range failureThreshold {
		if now := webapp.Inspect(t, "{{.State.StartedAt}}"); now != started {
			t.Fatalf("restarted after %d failures, want %d", i, failureThreshold)
		}
		if out, err := c.Output(t.Context(), "healthcheck", "run", webapp.Name); err == nil {
			t.Fatalf("probe %d passes without supervisord: %s", i+1, out)
		}
	}
	testenv.WaitFor(t, "the container's restart", func() bool { return webapp.Inspect(t, "{{.State.StartedAt}}") != started })
	webapp.WaitExec(t, ask("readyz")...)
	webapp.WaitHealthy(t)
	if page := webapp.Exec(t, "curl", "-s", "http://127.0.0.1:8080/"); !strings.HasPrefix(page, greeting) {
		t.Errorf("after the restart the app answers %q", page)
	}
}

// copiedOffSite backs up, runs the pod of the CronJob, and restores what that has
// copied.
func copiedOffSite(t *testing.T, c cluster, webapp *containertest.Container) {
	t.Helper()
	recipe := t.TempDir()
	testenv.Write(t, recipe+"/Dockerfile", rcloneRecipe, 0o644)
	testenv.Write(t, recipe+"/rclone", testenv.Read(t, "/usr/bin/rclone"), 0o755)
	c.Build(t, recipe, "--tag="+rcloneImage)
	webapp.Exec(t, "container-manager", "backup")
	archive := strings.TrimSpace(webapp.Exec(t, "sh", "-c", "cd /storage/backup && ls backup-*"))
	if !strings.HasSuffix(archive, ".tar.gz.age") {
		t.Fatalf("the archive is %q, want one that is encrypted", archive)
	}
	template, _ := at(c.objects["CronJob webapp-offsite"], "spec", "jobTemplate", "spec", "template").(map[string]any)
	c.objects["Pod copy"] = map[string]any{
		"apiVersion": "v1", "kind": "Pod",
		"metadata": map[string]any{"name": "copy"},
		"spec":     template["spec"],
	}
	c.play(t, c.claim("offsite"))
	offsite := c.VolumePath(t, "offsite")
	testenv.Chown(t, offsite, 500)
	c.play(t, "Pod copy")
	copying := c.Adopt(t, "copy-rclone")
	if code := copying.WaitEnd(t); code != 0 {
		t.Fatalf("the copy ended with status %d", code)
	}
	if names := testenv.Names(t, offsite); len(names) != 1 || names[0] != archive {
		t.Errorf("copied %q, want %q", names, archive)
	}

	// The copy is all that is left: a new volume begins with it.
	volume := c.Volume(t)
	storage := c.VolumePath(t, volume)
	testenv.Write(t, storage+"/backup/"+archive, testenv.Read(t, offsite+"/"+archive), 0o640)
	testenv.Chown(t, storage, 500)
	restored := c.Run(t, webappImage, containertest.Options{
		ReadOnly: true,
		Volume:   volume,
		Env:      []string{"IMAGE_BACKUP_AGE_PASSPHRASE_FILE=/image/secrets/backup-passphrase"},
		Flags:    []string{"--network=none", "--volume=" + c.secretVolume(t) + ":/image/secrets:ro"},
	})
	restored.WaitUp(t)
	const notes = "/storage/data/app/notes.json"
	if want, got := webapp.Exec(t, "cat", notes), restored.Exec(t, "cat", notes); got != want {
		t.Errorf("restored %s, want %s", got, want)
	}
}
