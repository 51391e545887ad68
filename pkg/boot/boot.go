// Package boot is the story of a container's start, from its entry point to the
// moment when supervisord takes over; Run tells it.
package boot

import (
	"context"
	"fmt"
	"time"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/notify"
	"github.com/ZPascal/container-manager/pkg/render"
	"github.com/ZPascal/container-manager/pkg/scriptdir"
	"github.com/ZPascal/container-manager/pkg/setup"
	"github.com/ZPascal/container-manager/pkg/supervisorconf"
)

// Boot is a container's start.
type Boot struct {
	Config config.Config
	Log    log.Logger
	Since  time.Time // when the container was entered

	// Builtins are the built-in steps.
	Builtins scriptdir.Register
	// Restore puts the newest valid backup back, if there is one, and calls record with
	// its path. recorded says that an earlier start has done so, and that Restore goes on
	// from there.
	Restore func(ctx context.Context, recorded bool, record func(archive string) error) error
	// Listen lets signals end ctx. It is called before anything that can take long: a step
	// that is a process, a lock, a restore, a change of the image tree. Before that nothing
	// has to be ended in order, and listening costs a tenth of a start without such steps.
	Listen func()
	// Release stops listening for the signals that end ctx, where this process stays as
	// PID 1 and listens anew. It returns ctx's cause if one of them has come.
	Release func() error
	// Ending is told why the container ends by itself, and whether that is a failure.
	Ending func(why string, failed bool)
	// Ended is called once everything has ended, and may take its time.
	Ended func(ctx context.Context)
	// Exec replaces this process, as syscall.Exec does.
	Exec func(path string, argv, env []string) error
}

// Command is what runs in place of supervisord; the zero value is supervisord.
type Command struct {
	Shell string   // a line for /bin/sh
	Argv  []string // or a program and its arguments
}

func (c Command) isSupervisord() bool { return c.Shell == "" && len(c.Argv) == 0 }

// Run does not return when all goes well: the command takes this process's place.
// When the container cannot start, Run returns why: ctx's cause when a signal ended
// the start. Where this process stays as PID 1, Run returns an *Ended at the end. Nothing
// that Run has started is left running then.
func (b *Boot) Run(ctx context.Context, c Command) error {
	if err := b.prepare(); err != nil {
		return err
	}
	if err := b.runAlways(ctx); err != nil {
		return err
	}
	if err := b.lockDown(); err != nil {
		return fmt.Errorf("cannot take write permission below %s away: %w", b.Config.BaseDir, err)
	}
	b.prepareNotify()
	if err := b.firstStart(ctx); err != nil {
		return err
	}
	if err := b.settle(); err != nil {
		return err
	}
	conf, err := b.render()
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if c.isSupervisord() {
		return b.supervise(ctx, conf)
	}
	return b.exec(ctx, c, nil)
}

// prepare refuses to start beside a running supervisord, makes IMAGE_RUN_DIR, and begins
// the files in it.
func (b *Boot) prepare() error {
	if err := b.refuseSecondLife(); err != nil {
		return err
	}
	if err := b.prepareRunDir(); err != nil {
		return err
	}
	return setup.Begin(b.Config, b.Log)
}

// runAlways runs the steps of every start, and does what can no longer be done
// once the image tree is locked.
func (b *Boot) runAlways(ctx context.Context) error {
	if err := b.steps().All(ctx, b.Config.RunAlwaysDir); err != nil {
		return err
	}
	if err := setup.AdoptCrontab(b.Config); err != nil {
		return err
	}
	if err := setup.Complete(b.Config); err != nil {
		return err
	}
	_ = setup.CreateDirsInTree(b.Config) // settle tries again, and returns the error
	return nil
}

// prepareNotify decides whether anybody is notified in this life of the container.
func (b *Boot) prepareNotify() {
	if err := notify.Prepare(b.Config); err != nil {
		b.Log.Error().Msg(err.Error())
	}
}

// render turns the templates into configuration, and returns supervisord's.
func (b *Boot) render() (*supervisorconf.Conf, error) {
	rendered, err := render.All(b.Config)
	for _, warning := range rendered.Warnings {
		b.Log.Warn().Msg(warning)
	}
	return rendered.Supervisord, err
}

func (b *Boot) steps() setup.Runner {
	return setup.Runner{Config: b.Config, Log: b.Log, Builtins: b.Builtins, BeforeProcess: b.Listen}
}
