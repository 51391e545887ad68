package health

import (
	"testing"
	"time"

	"github.com/ZPascal/container-manager/pkg/config"
)

func TestUnreachable(t *testing.T) {
	const often = "*/5 * * * *"
	for _, test := range []struct {
		cron  string
		limit config.Rate
		grace time.Duration
		want  string
	}{
		{often, config.Rate{}, 0, ""},
		{often, config.Rate{Count: 3, Within: 20 * time.Minute}, 0, ""},
		{often, config.Rate{Count: 3, Within: 15 * time.Minute}, 3 * time.Second, ""},
		{
			often,
			config.Rate{Count: 5, Within: 10 * time.Minute},
			3 * time.Second,
			"IMAGE_HEALTH_MAX_RESTARTS=5/10m0s never ends the container: checks run every 5m0s at most (IMAGE_HEALTH_CRON), so 5 restarts and the check after them take 25m0s (IMAGE_HEALTH_GRACE counts, too). Give it the time, such as 5/30m0s, or check more often",
		},
		{
			often,
			config.Rate{Count: 2, Within: 15 * time.Minute},
			8 * time.Minute,
			"IMAGE_HEALTH_MAX_RESTARTS=2/15m0s never ends the container: checks run every 5m0s at most (IMAGE_HEALTH_CRON), so 2 restarts and the check after them take 20m0s (IMAGE_HEALTH_GRACE counts, too). Give it the time, such as 2/25m0s, or check more often",
		},
		// The shortest interval counts, also when the others are long.
		{"0,5 8 * * *", config.Rate{Count: 1, Within: 6 * time.Minute}, 0, ""},
		// Each minute, the pause between restarts makes them come less often.
		{"* * * * *", config.Rate{Count: 5, Within: 5 * time.Minute}, 0, ""},
		{
			"* * * * *",
			config.Rate{Count: 100, Within: 99 * time.Minute},
			0,
			"IMAGE_HEALTH_MAX_RESTARTS=100/1h39m0s never ends the container: checks run every 1m0s at most (IMAGE_HEALTH_CRON), so 100 restarts and the check after them take 1h40m0s (IMAGE_HEALTH_GRACE counts, too). Give it the time, such as 100/1h41m0s, or check more often",
		},
		{"@reboot", config.Rate{Count: 5, Within: time.Second}, 0, ""},
	} {
		c := config.Config{CronEnabled: true, HealthCron: test.cron, HealthRestarts: test.limit, HealthGrace: config.Duration(test.grace)}
		if got := Unreachable(c); got != test.want {
			t.Errorf("%s, %s: %q, want %q", test.cron, test.limit, got, test.want)
		}
		c.CronEnabled = false
		if got := Unreachable(c); got != "" {
			t.Errorf("without cron: %q", got)
		}
	}
}
