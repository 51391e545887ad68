package cli

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/pkg/status"
	"github.com/ZPascal/container-manager/test/testenv"
)

func TestStatusAndHealth(t *testing.T) {
	c := newContainer(t, "IMAGE_LOGROTATE_CRON=7 4 * * *", "IMAGE_HEALTH_LIVENESS_CHECK_ENABLED=false")
	c.program("app", sleeper)
	c.program("failing", "command = /bin/false", "startsecs = 1", "startretries = 0", "autostart = false")
	testenv.Script(t, c.Path("image/health/readiness.probes.d/check-app.sh"), "[ ! -e $STORAGE_BASE_DIR/sick ] || { echo app is sick; exit 1; }")
	testenv.Script(t, c.Path("image/setup/run.always/10-jobs.sh"), `printf '%s\n' '# name: greet' '@reboot echo "a & b"' '@reboot exit 7' >>$IMAGE_CRON_DIR/kubernetes; echo 'a bad line' >>$IMAGE_CRON_DIR/kubernetes`)
	c.start()
	c.waitState("app", "RUNNING")
	c.waitState("crond", "RUNNING")
	for _, name := range []string{"backup-2026-01-02_03:04:05.tar.gz", "backup-2025-12-31_03:04:05.tar.gz", ".backup-2027.tar.gz.part", "backup-by-hand.tar.gz"} {
		testenv.Write(t, c.Path("storage/backup", name), "", 0o644)
	}
	for _, kind := range []string{"liveness", "readiness"} {
		c.want(0, "healthy\n", "health", kind)
	}

	testenv.WaitFor(t, "the jobs have ended", func() bool {
		_, said := c.exec("status")
		return strings.Contains(said, " exit status 0 ") && strings.Contains(said, " exit status 7 ")
	})
	code, said := c.exec("status")
	for _, want := range []string{
		`(?m)^app +RUNNING +[0-9]+ +[0-9ms]+ +0 *$`,
		`(?m)^failing +STOPPED +- +- +0 *$`,
		`(?m)^readiness +check-app.sh +not run yet +- +- *$`,
		`(?m)^filebeat +STOPPED .* there is nowhere to ship logs to: LOGGING_REDIS_HOST is empty, and the image has no .*filebeat-output.yml`,
		`(?m)^logrotate +2[0-9-]+ 04:07:00 UTC +- +- +- +0 +0 +7 4 \* \* \* +\. .*logrotate`,
		`(?m)^greet +- +2[0-9-]+ [0-9:]+ +exit status 0 +[0-9.]+m?s +1 +0 +@reboot +echo "a & b"$`,
		`(?m)^kubernetes:[0-9]+ +- +2[0-9-]+ [0-9:]+ +exit status 7 +[0-9.]+m?s +1 +1 +@reboot +exit 7$`,
		`(?m)^Last backup: backup-2026-01-02_03:04:05.tar.gz$`,
		`kubernetes:[0-9]+: `,
	} {
		if !regexp.MustCompile(want).MatchString(said) {
			t.Errorf("status lacks %s", want)
		}
	}
	c.want(0, `"ran": false,
      "healthy": null`, "status", "--json")
	if code != 0 || strings.Contains(said, "check-base") {
		t.Errorf("exit code %d", code)
	}
	if t.Failed() {
		t.Log(said)
	}

	c.want(1, "failing does not start", "start", "failing")
	c.want(1, "failing is FATAL: Exited too quickly", "health", "liveness")
	c.want(0, "", "stop", "failing")
	c.want(0, "healthy", "health", "liveness")
	c.want(0, "", "check-readiness")
	testenv.Write(t, c.Path("storage/sick"), "", 0o644)
	c.age("app")
	c.want(1, "restarted app in", "check-readiness")
	c.want(0, "healthy", "health", "readiness") // it is another process now
	c.want(0, "", "stop", "app")
	c.want(1, "app is STOPPED", "health", "readiness")
	c.want(2, "health wants one word", "health")
	c.want(2, "health wants one word", "health", "both")
	c.want(2, "status takes no arguments", "status", "app")

	code, said = c.exec("status", "--json")
	wantSchema(t, said)
	var s status.Report
	if err := json.Unmarshal([]byte(said), &s); err != nil || code != 0 {
		t.Fatalf("exit code %d, %v:\n%s", code, err, said)
	}
	app := s.Programs[0]
	if app.Name != "app" || app.State != "STOPPED" || app.Restarts != 1 || app.LastRestart == nil ||
		app.Why != "check-app.sh of the readiness check failed: ended with exit status 1" || !strings.HasPrefix(app.Held, "is held stopped (container-manager stop)") {
		t.Errorf("app %+v", app)
	}
	if probe := s.Probes[0]; probe.Probe != "check-app.sh" || !probe.Ran || *probe.Healthy || probe.Result == nil {
		t.Errorf("probe %+v", probe)
	}
	if app.Reasons["readiness"] != 1 || app.Starts != 2 {
		t.Errorf("app %+v", app)
	}
	if docker := c.life.Output.String(); strings.Count(docker, "restarted app: check-app.sh of the readiness check failed: ended with exit status 1") != 1 {
		t.Errorf("standard output lacks the restart:\n%s", docker)
	}
	if len(s.Jobs) != 4 || s.Jobs[0].Next == nil || s.Jobs[2].Command != `echo "a & b"` || s.LastBackup != "backup-2026-01-02_03:04:05.tar.gz" {
		t.Errorf("jobs %+v, backup %q", s.Jobs, s.LastBackup)
	}

	// What does not need supervisord is shown without it.
	c.life.Stop()
	c.want(1, "supervisord does not run: nothing listens at", "status")
	c.want(1, "ended with exit status 1: app is sick", "status")
	c.want(1, `"errors": [`, "status", "--json")
	c.want(1, "supervisord does not run", "health", "liveness")
}
