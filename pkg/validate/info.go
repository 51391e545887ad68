package validate

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ZPascal/container-manager/pkg/cron"
	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/scriptdir"
	"github.com/ZPascal/container-manager/pkg/setup"
)

// replaced tells of a file that stands in the place of a built-in one.
func (v *validator) replaced(f scriptdir.File) {
	if f.Builtin || !fsutil.Exists(f.Path) || v.Builtin == nil || v.Builtin(f.Name) == nil {
		return
	}
	if f.Empty {
		v.add(Info, "%s is empty, which switches the built-in one off", f.Path)
		return
	}
	v.add(Info, "%s replaces the built-in one", f.Path)
}

// jobs tells when the jobs of the crontab are due: those of the built-in steps, and the
// image's own.
func (v *validator) jobs(own cron.Table) error {
	if !v.CronEnabled {
		v.add(Info, "crond stays stopped, and so no job of the crontab runs (IMAGE_CRON_ENABLED)")
		return nil
	}
	zone, err := v.Zone()
	if err != nil {
		return err
	}
	builtin, err := cron.Parse(strings.NewReader(setup.Entries(v.Config)), "")
	if bad := cron.Problems(nil); err != nil && !errors.As(err, &bad) { // the variables' check tells of bad ones
		return err
	}
	for _, e := range builtin {
		v.add(Info, "%s %s", setup.JobName(v.Config, e.Command), due(e, v.Now.In(zone)))
	}
	for _, e := range own {
		v.add(Info, "%s:%d: the job %s", e.File, e.Line, due(e, v.Now.In(zone)))
	}
	return nil
}

// due says when a job runs the next two times, which shows how often, too.
func due(e cron.Entry, now time.Time) string {
	const layout = "Mon 2006-01-02 15:04 MST"
	if e.Schedule.AtReboot() {
		return "runs when crond starts"
	}
	first := e.Schedule.Next(now)
	if first.IsZero() {
		return "never runs"
	}
	return fmt.Sprintf("runs next on %s, then on %s", first.Format(layout), e.Schedule.Next(first).Format(layout))
}
