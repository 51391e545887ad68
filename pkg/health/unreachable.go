package health

import (
	"fmt"
	"time"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/schedule"
)

// Unreachable warns when cron's checks can never restart a program as often as
// IMAGE_HEALTH_MAX_RESTARTS says; "" when they can, and when cron runs no checks: then
// nothing is known of their times.
func Unreachable(c config.Config) string {
	limit := c.HealthRestarts
	if limit.Count == 0 || !bool(c.CronEnabled) {
		return ""
	}
	every := shortestInterval(c.HealthCron)
	if every == 0 {
		return ""
	}
	least := leastTime(limit.Count, every, time.Duration(c.HealthGrace))
	if least <= limit.Within {
		return ""
	}
	return fmt.Sprintf("IMAGE_HEALTH_MAX_RESTARTS=%d/%s never ends the container: checks run every %s at most (IMAGE_HEALTH_CRON), so %d restarts and the check after them take %s (IMAGE_HEALTH_GRACE counts, too). Give it the time, such as %d/%s, or check more often",
		limit.Count, limit.Within, every, limit.Count, least, limit.Count, least+every)
}

// leastTime is how long that many restarts and the check after them take, when a program
// never works and checks come at this interval.
func leastTime(restarts int, every, grace time.Duration) time.Duration {
	begin := time.Unix(0, 0)
	now := begin
	var r Record
	for {
		if r.wait(now) == 0 && (r.Restarts == 0 || now.Sub(r.Last) >= grace) {
			if r.Restarts == restarts {
				return now.Sub(begin)
			}
			r = r.restarted(now, "", true)
		}
		now = now.Add(every)
	}
}

// shortestInterval is the shortest time between two runs of a schedule, as far as its next
// runs tell; 0 for one that does not run twice.
func shortestInterval(spec string) (shortest time.Duration) {
	const runs = 200
	when, err := schedule.Parse(spec)
	if err != nil {
		return 0
	}
	last := when.Next(time.Unix(0, 0).UTC())
	for range runs {
		next := when.Next(last)
		if last.IsZero() || next.IsZero() {
			break
		}
		if gap := next.Sub(last); shortest == 0 || gap < shortest {
			shortest = gap
		}
		last = next
	}
	return shortest
}
