package deploy

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/internal/containertest"
	"github.com/ZPascal/container-manager/test/testenv"
)

// TestCompose runs the compose file with podman-compose: its services find each
// other by name, logs arrive in Redis with the password, and all of it is taken
// down again.
func TestCompose(t *testing.T) {
	p := containertest.New(t)
	p.Build(t, examples+"webapp", "--tag=localhost/webapp:latest")
	p.Build(t, examples+"redis", "--tag=localhost/webapp-redis:latest")
	project := fmt.Sprintf("compose%d", os.Getpid())
	compose := func(args ...string) {
		t.Helper()
		args = append([]string{"--project-name=" + project, "--file=" + examples + "compose/compose.yaml"}, args...)
		cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "podman-compose", args...)
		cmd.Env = append(p.Command(t.Context()).Env, "WEBAPP_PORT="+containertest.FreePort(t))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("podman-compose %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	t.Cleanup(func() {
		compose("down", "--volumes", "--timeout=60")
		if _, err := p.Output(context.WithoutCancel(t.Context()), "network", "rm", project+"_default"); err != nil {
			t.Error(err)
		}
	})
	compose("up", "--detach", "--no-build")
	redis := p.Adopt(t, project+"_redis_1")
	webapp := p.Adopt(t, project+"_webapp_1")
	redis.WaitUp(t)
	webapp.WaitUp(t)

	for _, c := range []*containertest.Container{redis, webapp} {
		c.WaitExec(t, "container-manager", "health", "readiness")
		c.WaitHealthy(t)
		status := c.Exec(t, "cat", "/proc/1/status")
		for _, want := range []string{"Uid:\t500\t", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1"} {
			if !strings.Contains(status, want) {
				t.Errorf("%s: /proc/1/status lacks %q:\n%s", c.Name, want, status)
			}
		}
		if out, err := c.TryExec(t, "touch", "/image/new"); err == nil || !strings.Contains(out, "Read-only file system") {
			t.Errorf("%s: /image can be written: %s", c.Name, out)
		}
	}
	if page := webapp.Exec(t, "curl", "-s", "http://127.0.0.1:8080/"); !strings.HasPrefix(page, greeting) {
		t.Errorf("the app answers %q", page)
	}
	const length = `. /tmp/container-manager/env; REDISCLI_AUTH=$REDIS_PASSWORD redis-cli llen filebeat`
	testenv.WaitFor(t, "logs in Redis", func() bool { return strings.TrimSpace(redis.Exec(t, "sh", "-c", length)) != "0" })
	line := redis.Exec(t, "sh", "-c", strings.Replace(length, "llen filebeat", "lindex filebeat 0", 1))
	if !strings.Contains(line, `"app_name":"webapp"`) {
		t.Errorf("the first line in Redis is %s", line)
	}
}
