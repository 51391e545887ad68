package config

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ZPascal/container-manager/test/testenv"
)

func TestLoadChecksSchedules(t *testing.T) {
	testenv.SetEnviron(t, "IMAGE_BACKUP_CRON=61 * * * *", "IMAGE_HEALTH_CRON=@every 5s", "IMAGE_LOGROTATE_CRON=0 0 30 2 *")
	_, err := Load()
	invalid, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("Load: %v, want an *Error", err)
	}
	want := []string{
		`IMAGE_BACKUP_CRON="61 * * * *": minute 61 is above 59`,
		`IMAGE_LOGROTATE_CRON="0 0 30 2 *": never fires: February has no day 30`,
	}
	if got := strings.Join(invalid.Problems, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("problems:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
	}
}

func TestLoadChecksDurations(t *testing.T) {
	for value, want := range map[string]string{
		"":      "",
		"0":     "",
		"1h30m": "",
		"5400":  "",
		"5400x": `IMAGE_CRON_JOB_TIMEOUT="5400x": expected a duration such as 90s, 5m or 1h30m, or a number of seconds`,
		"-5s":   `IMAGE_CRON_JOB_TIMEOUT="-5s": expected a duration such as 90s, 5m or 1h30m, or a number of seconds`,
	} {
		testenv.SetEnviron(t, "IMAGE_CRON_JOB_TIMEOUT="+value)
		c, err := Load()
		var invalid *Error
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: %v", value, err)
		case want != "" && (!errors.As(err, &invalid) || invalid.Problems[0] != want):
			t.Errorf("%q: %v, want %s", value, err, want)
		case (value == "1h30m" || value == "5400") && time.Duration(c.CronJobTimeout) != 90*time.Minute:
			t.Errorf("%q is %v", value, c.CronJobTimeout)
		}
	}
}

func TestLoadChecksTheHealthVariables(t *testing.T) {
	testenv.SetEnviron(t, "IMAGE_HEALTH_FAILURE_THRESHOLD=0", "IMAGE_HEALTH_GRACE=-1s", "IMAGE_HEALTH_TIMEOUT=soon")
	_, err := Load()
	invalid, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("Load: %v, want an *Error", err)
	}
	const duration = "expected a duration such as 90s, 5m or 1h30m, or a number of seconds"
	want := []string{
		`IMAGE_HEALTH_FAILURE_THRESHOLD="0": expected a whole number from 1 up`,
		`IMAGE_HEALTH_GRACE="-1s": ` + duration,
		`IMAGE_HEALTH_TIMEOUT="soon": ` + duration,
	}
	slices.Sort(invalid.Problems)
	if !slices.Equal(invalid.Problems, want) {
		t.Errorf("problems %q, want %q", invalid.Problems, want)
	}
	testenv.SetEnviron(t, "IMAGE_HEALTH_FAILURE_THRESHOLD=many")
	if _, err := Load(); err == nil || !strings.Contains(err.Error(), `IMAGE_HEALTH_FAILURE_THRESHOLD="many": expected a whole number`) || strings.Count(err.Error(), "THRESHOLD") != 1 {
		t.Errorf("error %v", err)
	}
	testenv.SetEnviron(t, "IMAGE_HEALTH_GRACE=90")
	if c, err := Load(); err != nil || time.Duration(c.HealthGrace) != 90*time.Second || c.HealthFailures != 1 || time.Duration(c.HealthTimeout) != 30*time.Second {
		t.Errorf("%v, grace %v, failures %d, time-out %v", err, c.HealthGrace, c.HealthFailures, c.HealthTimeout)
	}
}
