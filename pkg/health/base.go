package health

import (
	"context"
	"fmt"
	"time"

	"github.com/abrander/go-supervisord"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/supervisor"
)

// basePath is the probe of the container manager's own programs.
const basePath = "check-base.py"

// base wants crond to run when cron is enabled, and filebeat when there is
// somewhere to ship logs to. An image without one of them can do without.
func (c *Check) base(ctx context.Context) finding {
	if limit := time.Duration(c.Config.HealthTimeout); limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, fmt.Errorf("no answer within %s", limit))
		defer cancel()
	}
	all, err := c.Client.Processes(ctx)
	if err != nil {
		return finding{err: err}
	}
	failures, sick, notes := baseFailures(c.Config, all)
	return finding{lines: notes, err: join(failures), sick: sick}
}

// baseFailures says which of the container manager's own programs do not run
// although they should, and notes which are held stopped.
func baseFailures(c config.Config, all []supervisord.ProcessInfo) (failures, sick, notes []string) {
	for _, wanted := range []struct {
		program string
		enabled bool
	}{{"crond", bool(c.CronEnabled)}, {"filebeat", c.ShipsLogs()}} {
		if !wanted.enabled {
			continue
		}
		for _, p := range supervisor.Select(all, wanted.program) {
			name := supervisor.Name(p)
			if p.State == supervisord.StateRunning {
				continue
			}
			if mark := holder(c, name); mark != nil {
				notes = append(notes, name+" "+mark.String())
				continue
			}
			failures, sick = append(failures, name+" is "+p.StateName), append(sick, name)
		}
	}
	return failures, sick, notes
}
