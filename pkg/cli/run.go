package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/ZPascal/container-manager/pkg/backup"
	"github.com/ZPascal/container-manager/pkg/boot"
	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/render"
)

func runCommand() *cobra.Command {
	var shell string
	c := &cobra.Command{
		Use:   "run [-variable COMMAND] [COMMAND ARG...]",
		Short: "Set the container up, then run supervisord or a command in its place",
		Long: `
With neither COMMAND, supervisord runs. Nothing behind the first word of the
second is ours, so that "docker run IMAGE bash -l" works.

A command that is not found ends with 127, one that cannot be run with 126.

With IMAGE_MAIN_PROGRAM this process stays, stops everything when that program of
supervisord has ended for good, and ends with the program's exit status.
`,
		RunE: func(c *cobra.Command, argv []string) error {
			return run(c.Name(), boot.Command{Shell: shell, Argv: argv})
		},
	}
	c.Flags().StringVar(&shell, "variable", "", "`COMMAND` line for /bin/sh -c; empty counts as absent")
	c.Flags().SetInterspersed(false)
	return c
}

func run(name string, command boot.Command) error {
	since := time.Now()
	if command.Shell != "" && len(command.Argv) > 0 {
		return invalid(fmt.Errorf("-variable %q and the command %q: give one of them, in quotes where it is a line for the shell", command.Shell, command.Argv[0]))
	}
	ctx, release := signalContext(context.Background())
	config.FindSelf()
	cfg, err := config.Load()
	if err != nil {
		return err
	}
	l := log.New(os.Stderr, logOptions(cfg))
	b := boot.Boot{
		Config: cfg,
		Log:    log.Named(l, name),
		Since:  since,

		Builtins: builtin,
		Restore: func(ctx context.Context, recorded bool, record func(archive string) error) error {
			return backup.RestoreFirst(ctx, cfg, log.Named(l, "restore"), recorded, record)
		},
		Release: release,
		Exec:    syscall.Exec,
	}
	if warning := config.LeftBehind(); warning != "" {
		b.Log.Warn().Msg(warning)
	}
	// A restore that was killed half way is taken back before anything looks at
	// the storage.
	if err := backup.RecoverAtStart(ctx, cfg, log.Named(l, "restore")); err != nil {
		return err
	}
	err = b.Run(ctx, command)
	var badTemplates *render.Error
	var ended *boot.Ended
	var notRun *boot.NotRunError
	switch {
	case errors.As(err, &ended):
		return &exitError{code: ended.Status}
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &badTemplates):
		return invalid(err)
	case errors.As(err, &notRun):
		return &exitError{notRun.ExitCode(), err}
	}
	return err
}
