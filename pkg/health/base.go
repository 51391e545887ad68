package health

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/abrander/go-supervisord"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/supervisor"
)

// BaseProbe is the built-in probe of the container manager's own programs.
const BaseProbe = "check-base.py"

// Base runs the built-in probe by itself, outside of a check, and restarts the programs
// that do not run, as the script of this name did in the Python version. The error says
// which programs these are.
func (c *Check) Base(ctx context.Context) error {
	began := time.Now()
	f := c.base(ctx)
	for _, line := range f.lines {
		c.Log.Info().Msg(line)
	}
	for _, program := range f.sick {
		err := c.launch(ctx, Request{
			Names: []string{program}, Check: c.Kind, Since: began, Why: BaseProbe + " failed",
		})
		if err != nil && !errors.Is(err, ErrLeftAlone) {
			c.Log.Error().Msgf("cannot restart %s: %v", program, err)
		}
	}
	return f.err
}

// base wants crond to run when cron is enabled, and filebeat when there is somewhere to
// ship logs to. It does not ask for a program that the image does not have.
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

// baseFailures returns a message and a name for each of the container manager's own
// programs that should run and does not. The notes name those that somebody holds
// stopped.
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
