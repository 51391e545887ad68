// Package boot is the story of a container's start, from its entry point to the
// moment when supervisord takes over; Run tells it.
package boot

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/render"
	"github.com/ZPascal/container-manager/pkg/setup"
)

// Boot is a container's start.
type Boot struct {
	Config config.Config
	Log    log.Logger
	Since  time.Time // when the container was entered

	// Restore puts the newest valid backup back, and says which; it returns ""
	// when there is none.
	Restore func(context.Context) (string, error)
	// Exec replaces this process, as syscall.Exec does.
	Exec func(path string, argv, env []string) error
}

// Command is what runs in place of supervisord; the zero value is supervisord.
type Command struct {
	Shell string   // a line for /bin/sh
	Argv  []string // or a program and its arguments
}

// Run returns only when the container cannot start, or with ctx's cause when a
// signal ended it; nothing of it is left running then.
func (b *Boot) Run(ctx context.Context, c Command) error {
	if err := b.prepareRunDir(); err != nil {
		return err
	}
	if err := b.steps().All(ctx, b.Config.RunAlwaysDir); err != nil {
		return err
	}
	if err := b.lockDown(); err != nil {
		return fmt.Errorf("cannot take write permission below %s away: %w", b.Config.BaseDir, err)
	}
	if err := b.firstStart(ctx); err != nil {
		return err
	}
	if err := setup.CreateStorageDirs(b.Config); err != nil {
		return err
	}
	b.removeLeftovers()
	if err := render.All(b.Config); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return b.exec(c)
}

func (b *Boot) steps() setup.Runner { return setup.Runner{Config: b.Config, Log: b.Log} }

// exec ends this process in favour of the command. As PID 1 it hands over its
// place, so that signals and the reaping of orphans are the successor's.
func (b *Boot) exec(c Command) error {
	argv := c.Argv
	switch {
	case c.Shell != "":
		argv = []string{"/bin/sh", "-c", c.Shell}
	case len(argv) == 0:
		argv = []string{"supervisord", "-n", "-c", render.SupervisorConf(b.Config)}
	}
	path, err := exec.LookPath(argv[0])
	if err != nil && len(c.Argv) == 0 && c.Shell == "" {
		return fmt.Errorf("supervisord is not installed: install the package supervisor (apk add supervisor, apt-get install supervisor), or give the container a command: %w", err)
	}
	if err != nil {
		return fmt.Errorf("cannot run %s: %w", argv[0], err)
	}
	if len(c.Argv) == 0 && c.Shell == "" {
		if err := b.startKick(); err != nil {
			b.Log.Warn().Msgf("programs start a second later than they could: %v", err)
		}
	}
	b.Log.Debug().Msgf("set-up took %s, now running %s", time.Since(b.Since).Round(time.Millisecond), path)
	if err := b.Exec(path, argv, b.Config.Environ); err != nil {
		return fmt.Errorf("cannot run %s: %w", path, err)
	}
	return nil
}

// startKick starts the short-lived child that keeps supervisord awake until its
// programs are up, and then says so in one line.
func (b *Boot) startKick() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	kick := exec.Command(self, "kick", fmt.Sprint(os.Getpid()), b.Since.Format(time.RFC3339Nano))
	kick.Stdout, kick.Stderr = os.Stdout, os.Stderr
	kick.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C is for supervisord
	return kick.Start()
}
