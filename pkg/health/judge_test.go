package health

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/abrander/go-supervisord"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/test/supervisordtest"
	"github.com/ZPascal/container-manager/test/testenv"
)

// judge returns what is wrong, on one line.
func (r *rig) judge(k Kind, now time.Time) string {
	r.t.Helper()
	problems, err := Judge(r.t.Context(), r.config, r.client, k, now)
	must(r.t, err)
	return strings.Join(problems, "; ")
}

func (r *rig) wantJudged(k Kind, now time.Time, want string) {
	r.t.Helper()
	got := r.judge(k, now)
	if (got == "") != (want == "") || !strings.Contains(got, want) {
		r.t.Errorf("%s: %q, want %q", k, got, want)
	}
}

// hasResult makes something the last result of a readiness and a liveness probe
// of app.
func (r *rig) hasResult(began time.Time, healthy bool) {
	r.t.Helper()
	for _, k := range Kinds() {
		testenv.Script(r.t, filepath.Join(k.probeDir(r.config), "check-app.sh"), "exit 99")
		result := Result{Probe: "check-app.sh", Program: "app", Healthy: healthy, Began: began}
		if !healthy {
			result.Failures, result.Message = 1, "ended with exit status 1"
		}
		must(r.t, results{"check-app.sh": result}.write(r.config, k))
	}
}

func TestJudgeByResults(t *testing.T) {
	r := newRunningRig(t)
	for _, k := range Kinds() {
		r.wantJudged(k, time.Now(), "")
	}
	now := time.Now()
	r.hasResult(now, true)
	for _, k := range Kinds() {
		r.wantJudged(k, now, "")
		// With */5, the next check was due within 5 minutes and may take 80 seconds.
		r.wantJudged(k, now.Add(75*time.Second), "")
		r.wantJudged(k, now.Add(7*time.Minute), "check-app.sh ran last at "+now.Format(time.DateTime)+", and should have run again (IMAGE_HEALTH_CRON=*/5 * * * *)")
	}
	r.config.CronEnabled = false // somebody else runs the checks
	r.wantJudged(Readiness, now.Add(24*time.Hour), "")
	r.config.CronEnabled = true
	r.hasResult(now, false)
	for _, k := range Kinds() {
		r.wantJudged(k, now, "check-app.sh failed at "+now.Format(time.DateTime)+": ended with exit status 1")
	}
	r.config.LivenessCheck = false
	r.wantJudged(Liveness, now, "")
	r.config.LivenessCheck = true

	// A restart cures, until the next check.
	must(t, r.client.Restart(t.Context(), supervisord.ProcessInfo{Name: "app", Group: "app"}))
	for _, k := range Kinds() {
		r.wantJudged(k, now, "")
	}
	must(t, os.WriteFile(resultPath(r.config, Readiness), []byte("{"), 0o600))
	r.wantJudged(Readiness, now, "")
}

// TestJudgeAfterTheClockWasSetBack: a result from the future is none, and a program that
// was started in the future was not started since its probe failed.
func TestJudgeAfterTheClockWasSetBack(t *testing.T) {
	r := newRig(t, "[program:app]\ncommand = /bin/sleep 1000\nstartsecs = 0\n[program:crond]\ncommand = /bin/sleep 1000\nstartsecs = 0\n")
	r.waitState("app", "RUNNING")
	r.waitState("crond", "RUNNING")
	now := time.Now()
	for _, healthy := range []bool{true, false} {
		r.hasResult(now.Add(24*time.Hour), healthy)
		r.wantJudged(Readiness, now, "")
		r.wantJudged(Readiness, now.Add(time.Hour), "check-app.sh has not run since cron started")
	}
	before := now.Add(-24 * time.Hour)
	r.hasResult(before, false)
	r.wantJudged(Readiness, before, "check-app.sh failed at")
}

func TestJudgeByStates(t *testing.T) {
	r := newRig(t, `
[program:app]
command = /bin/sleep 1000
startsecs = 0
[program:failing]
command = /nowhere/program
startretries = 0
autostart = false
`)
	r.waitState("app", "RUNNING")
	r.hasResult(time.Now().Add(time.Minute), true)
	must(t, r.client.Stop(t.Context(), supervisord.ProcessInfo{Name: "app", Group: "app"}))
	r.wantJudged(Readiness, time.Now(), "app is STOPPED")
	r.wantJudged(Liveness, time.Now(), "") // nothing but its probe's result counts
	must(t, r.programs().StopForGood(t.Context(), "app"))
	r.hasResult(time.Now().Add(time.Minute), false)
	r.wantJudged(Readiness, time.Now(), "app is STOPPED")
	r.wantJudged(Liveness, time.Now(), "")
}

func TestJudgeFatal(t *testing.T) {
	r := newRig(t, "[program:failing]\ncommand = /bin/false\nstartretries = 0\n")
	r.waitState("failing", "FATAL")
	for _, k := range Kinds() {
		r.wantJudged(k, time.Now(), "failing is FATAL: Exited too quickly")
	}
	must(t, r.programs().StopForGood(t.Context(), "failing"))
	for _, k := range Kinds() {
		r.wantJudged(k, time.Now(), "")
	}
}

func TestJudgeBase(t *testing.T) {
	r := newRig(t, "[program:crond]\ncommand = /bin/sleep 1000\nstartsecs = 0\nautorestart = false\n")
	r.waitState("crond", "RUNNING")
	testenv.Write(t, filepath.Join(r.config.LivenessDir, "check-base.py"), "#!/usr/bin/container-manager script\n", 0o755)
	testenv.Script(t, filepath.Join(r.config.ReadinessDir, "check-app.sh"), "exit 0")
	r.wantJudged(Liveness, time.Now(), "")
	started := time.Unix(int64(r.process("crond").Start), 0)
	r.wantJudged(Readiness, time.Now(), "")
	r.wantJudged(Readiness, time.Now().Add(time.Hour), "check-app.sh has not run since cron started at "+started.Format(time.DateTime))
	r.config.HealthCron = "0 0 29 2 *"
	r.wantJudged(Readiness, time.Now().Add(time.Hour), "")
	must(t, unix.Kill(r.process("crond").Pid, unix.SIGKILL))
	r.waitState("crond", "EXITED")
	r.wantJudged(Liveness, time.Now(), "check-base.py: crond is EXITED")
}

func TestJudgeWithoutSupervisord(t *testing.T) {
	r := rigOf(t, supervisordtest.New(t, ""))
	_, err := Judge(t.Context(), r.config, r.client, Liveness, time.Now())
	if err == nil || !strings.Contains(err.Error(), "supervisord does not run") {
		t.Errorf("error %v", err)
	}
}

func TestOverdueFollowsTheTimeZone(t *testing.T) {
	last := time.Date(2026, 6, 1, 9, 30, 0, 0, time.UTC)
	c := config.Config{HealthCron: "0 12 * * *", CronEnabled: true, TimeZone: "Europe/Berlin"} // 10:00 UTC
	for _, test := range []struct {
		now  time.Time
		want bool
	}{{last.Add(31 * time.Minute), false}, {last.Add(32 * time.Minute), true}} {
		if got := (&judge{Config: c, now: test.now}).overdue(last); got != test.want {
			t.Errorf("at %s it is overdue: %v, want %v", test.now, got, test.want)
		}
	}
}
