package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/ZPascal/container-manager/pkg/backup"
	"github.com/ZPascal/container-manager/pkg/boot"
	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/render"
)

func runCommand() command {
	return command{
		name:    "run",
		args:    "[-variable COMMAND] [COMMAND ARG...]",
		summary: "Set the container up, then run supervisord or a command in its place",
		help: `
With neither COMMAND, supervisord runs. Nothing behind the first word of the
second is ours, so that "docker run IMAGE bash -l" works.

A command that is not found ends with 127, one that cannot be run with 126.

With IMAGE_MAIN_PROGRAM this process stays, stops everything when that program of
supervisord has ended for good, and ends with the program's exit status.
`,
		run: run,
	}
}

func run(c command, args []string) error {
	since := time.Now()
	flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
	shell := flags.String("variable", "", "`COMMAND` line for /bin/sh -c; empty counts as absent")
	if err := c.parse(flags, args); err != nil {
		return err
	}
	if *shell != "" && flags.NArg() > 0 {
		return invalid(fmt.Errorf("-variable %q and the command %q: give one of them, in quotes where it is a line for the shell", *shell, flags.Arg(0)))
	}
	ctx, release := signalContextOnDemand(context.Background())
	config.FindSelf()
	cfg, err := config.Load()
	if err != nil {
		return err
	}
	l := log.New(os.Stderr, logOptions(cfg))
	b := boot.Boot{
		Config: cfg,
		Log:    log.Named(l, c.name),
		Since:  since,

		Builtins: builtin,
		Restore: func(ctx context.Context) (string, error) {
			return backup.RestoreFirst(ctx, cfg, log.Named(l, "restore"))
		},
		Release: release,
		Exec:    syscall.Exec,
	}
	if warning := config.LeftBehind(); warning != "" {
		b.Log.Warn().Msg(warning)
	}
	// A restore that was killed half way is taken back before anything looks at
	// the storage.
	if err := backup.Recover(ctx, cfg, log.Named(l, "restore")); err != nil {
		return err
	}
	err = b.Run(ctx, boot.Command{Shell: *shell, Argv: flags.Args()})
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
