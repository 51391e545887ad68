package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/ZPascal/container-manager/pkg/backup"
	"github.com/ZPascal/container-manager/pkg/boot"
	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/health"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/render"
)

func runCommand() *cobra.Command {
	var shell string
	c := &cobra.Command{
		Use:   "run [--variable COMMAND] [COMMAND ARG...]",
		Short: "Set the container up, then run supervisord or a command in its place",
		Long: `
With neither COMMAND, supervisord runs. Nothing behind the first word of the
second is ours, so that "docker run IMAGE bash -l" works.

A command that is not found ends with 127, one that cannot be run with 126.

This process stays, in place of ending in supervisord's favour, with

  - IMAGE_MAIN_PROGRAM: when that program has ended for good, everything is stopped,
    and the container ends with the program's exit status;
  - IMAGE_ESSENTIAL_PROGRAMS or IMAGE_HEALTH_MAX_RESTARTS: the container ends when it
    is beyond help, see below;
  - scripts in setup/run.finish, which run at the end.

Exit codes, beside those of every command:
  10  an essential program is FATAL
  11  an essential program has ended, and is not started again
  12  an essential program ends again and again (IMAGE_HEALTH_CRASHES)
  13  restarts by checks do not help (IMAGE_HEALTH_MAX_RESTARTS)
`,
		Example: `
  docker run --rm hello
  docker run --rm -it hello sh
`,
		RunE: func(c *cobra.Command, argv []string) error {
			return run(c.Name(), boot.Command{Shell: shell, Argv: argv})
		},
	}
	c.Flags().StringVar(&shell, "variable", "", "`COMMAND` line for /bin/sh -c; empty counts as absent")
	c.Flags().SetInterspersed(false)
	return c
}

func run(name string, command boot.Command) (ended error) {
	since := time.Now()
	if command.Shell != "" && len(command.Argv) > 0 {
		return invalid(fmt.Errorf("-variable %q and the command %q: give one of them, in quotes where it is a line for the shell", command.Shell, command.Argv[0]))
	}
	signals := newSignals(context.Background())
	config.FindSelf()
	cfg, err := config.Load()
	defer func() {
		if text := failure(ended); text != "" {
			writeLastWords(cfg.TerminationLog, text)
		}
	}()
	if err != nil {
		return err
	}
	l := log.New(os.Stderr, startOptions(cfg))
	b := bootOf(cfg, l, name, since, signals)
	for _, warning := range doubts(cfg) {
		b.Log.Warn().Msg(warning)
	}
	// A restore that was killed half way is taken back before anything looks at
	// the storage.
	if err := backup.RecoverAtStart(signals.ctx, cfg, log.Named(l, "restore"), signals.Listen); err != nil {
		return err
	}
	return exitOf(signals.ctx, b.Run(signals.ctx, command))
}

// bootOf puts the start together.
func bootOf(cfg config.Config, l log.Logger, name string, since time.Time, s *signals) boot.Boot {
	ending := lastNotice{cfg: cfg, log: log.Named(l, "notify")}
	return boot.Boot{
		Config: cfg,
		Log:    log.Named(l, name),
		Since:  since,

		Builtins: builtin,
		Restore: func(ctx context.Context, recorded bool, record func(archive string) error) error {
			return backup.RestoreFirst(ctx, cfg, log.Named(l, "restore"), recorded, func(archive string) error {
				sender(cfg.RunDir, log.Named(l, "restore")).restored(archive, 0)
				return record(archive)
			})
		},
		Listen:  s.Listen,
		Release: s.Release,
		Ending: func(why string, failed bool) {
			writeLastWords(cfg.TerminationLog, why)
			ending.note(why, failed)
		},
		Ended: ending.tell,
		Exec:  syscall.Exec,
	}
}

// doubts are warnings of variables that are valid, and probably wrong.
func doubts(cfg config.Config) []string {
	warnings := append([]string{config.LeftBehind()}, config.Misspelled(cfg.Environ)...)
	warnings = append(warnings, health.Unreachable(cfg))
	return slices.DeleteFunc(warnings, func(warning string) bool { return warning == "" })
}

// exitOf gives the error of a start its exit status.
func exitOf(ctx context.Context, err error) error {
	var badTemplates *render.Error
	var over *boot.Ended
	var notRun *boot.NotRunError
	switch {
	case errors.As(err, &over):
		return &exitError{code: over.Status}
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &badTemplates):
		return invalid(err)
	case errors.As(err, &notRun):
		return &exitError{notRun.ExitCode(), err}
	}
	return err
}
