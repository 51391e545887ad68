package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/backup"
	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/health"
	"github.com/ZPascal/container-manager/pkg/log"
)

// exitLeftAlone is the exit code of restart, start and stop when a program was,
// on purpose, not touched.
const exitLeftAlone = health.LeftAloneStatus

const programExitCodes = `
NAME is a program, GROUP:NAME one of a group, and GROUP:* or GROUP a group.

Exit codes:
  0      done
  1      failed, or supervisord has no such program
  2      the command line or the environment is invalid
  3      left alone: a backup or restore holds the program stopped, or, below a
         health check, it is held, too fresh or restarted too often
  128+n  ended by signal n
`

func restartCommand() *cobra.Command {
	var limit config.Duration
	c := &cobra.Command{
		Use:   "restart [--timeout DURATION] NAME ...",
		Short: "Stop and start programs, and wait until they are up",
		Long: `
The restart is a process of its own: it goes on when this one is ended, or when
the time is up. A program that this process descends from is restarted without
waiting.
` + programExitCodes,
		Example: `
  docker exec hello container-manager restart hello --timeout 30s
  docker exec hello container-manager restart 'workers:*'
`,
		Args: programNames, ValidArgsFunction: completePrograms,
		RunE: func(c *cobra.Command, names []string) error { return restart(c.Name(), names, limit) },
	}
	c.Flags().Var(&limit, "timeout", "wait for at most this `DURATION`, such as 90s, 5m or a number of seconds; 0 is no limit")
	return c
}

func restart(command string, names []string, limit config.Duration) error {
	programs, err := savedPrograms(command)
	if err != nil {
		return err
	}
	ctx, stop := signalContext(context.Background())
	defer stop()
	if err := recoverFirst(ctx, command, programs.Config); err != nil {
		return err
	}
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, time.Duration(limit), fmt.Errorf("%s have gone by", limit.String()))
		defer cancel()
	}
	// Below a health check this is one of its probes, and the check's rules hold.
	r := health.Request{Names: names, Check: health.Kind(programs.Config.HealthCheck), Why: "container-manager restart"}
	if r.Check != "" {
		r.Why = fmt.Sprintf("a probe of the %s check asked for it", r.Check)
	}
	return leftAlone(health.Launch(ctx, programs.Config, programs.Log, r))
}

// programNames wants the names of programs as arguments.
func programNames(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return invalid(fmt.Errorf("%s wants the name of a program (container-manager status lists all)", c.Name()))
	}
	return nil
}

// leftAlone gives errors about programs that were left alone their exit code.
func leftAlone(err error) error {
	if errors.Is(err, health.ErrLeftAlone) {
		return &exitError{exitLeftAlone, err}
	}
	return err
}

func restartWorkerCommand() *cobra.Command {
	var r health.Request
	c := &cobra.Command{
		Use:    health.WorkerCommand + " [--check KIND] [--since TIME] [--why TEXT] NAME ...",
		Short:  "Carry out a restart that somebody else asked for",
		Hidden: true,
		Args:   programNames,
		RunE: func(c *cobra.Command, names []string) error {
			r.Names = names
			return restartWorker(c.Name(), r)
		},
	}
	c.Flags().Func("check", "", func(kind string) error { r.Check = health.Kind(kind); return nil })
	c.Flags().Func("since", "", func(text string) (err error) { r.Since, err = time.Parse(time.RFC3339Nano, text); return err })
	c.Flags().StringVar(&r.Why, "why", "", "")
	return c
}

func restartWorker(command string, r health.Request) error {
	outlive()
	programs, err := savedPrograms(command)
	if err != nil {
		return err
	}
	programs.Log = log.Named(programs.Log, "restart") // as it is part of that command
	told := log.New(log.ToContainer(io.Discard, programs.Config.PIDFile), logOptions(programs.Config))
	programs.Told = func(text string) { l := log.Named(told, "restart"); l.Info().Msg(text) }
	tell := sender(programs.Config.RunDir, programs.Log)
	programs.Restarted = tell.restarted
	err = programs.Restart(context.Background(), r)
	switch {
	case errors.Is(err, health.ErrLeftAlone):
		return &exitError{code: exitLeftAlone} // the log says why
	case err != nil:
		programs.Log.Error().Msg(err.Error())
		return &exitError{code: exitFailed}
	}
	return nil
}

// outlive is for workers. The process that asked for the work may end before they
// do, and with it the pipe that they write to.
func outlive() { signal.Ignore(unix.SIGPIPE, unix.SIGHUP) }

func resumeCommand() *cobra.Command {
	return &cobra.Command{
		Use:    health.ResumeCommand,
		Short:  "Start what a dead backup, restore or restart has left stopped",
		Hidden: true,
		Args:   noArguments,
		RunE:   resume,
	}
}

func resume(c *cobra.Command, _ []string) error {
	outlive()
	programs, err := savedPrograms(c.Name())
	if err != nil {
		return err
	}
	return programs.Resume(context.Background(), func(ctx context.Context) error {
		return backup.Recover(ctx, programs.Config, log.Named(programs.Log, "restore"))
	})
}
