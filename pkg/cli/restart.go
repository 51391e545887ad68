package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os/signal"
	"time"

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

func restartCommand() command {
	return command{
		name:    "restart",
		args:    "[--timeout DURATION] NAME ...",
		summary: "Stop and start programs, and wait until they are up",
		help: `
The restart is a process of its own: it goes on when this one is ended, or when
the time is up. A program that this process descends from is restarted without
waiting.
` + programExitCodes,
		run: restart,
	}
}

func restart(c command, args []string) error {
	flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
	var limit config.Duration
	flags.Var(&limit, "timeout", "wait for at most this `DURATION`, such as 90s, 5m or a number of seconds; 0 is no limit")
	names, err := c.parseNames(flags, args)
	if err != nil {
		return err
	}
	programs, err := c.savedPrograms()
	if err != nil {
		return err
	}
	ctx, stop := signalContext(context.Background())
	defer stop()
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
	return leftAlone(launch(ctx, programs, r))
}

// parseNames parses flags with the names of programs behind them.
func (c command) parseNames(flags *flag.FlagSet, args []string) ([]string, error) {
	if err := c.parse(flags, args); err != nil {
		return nil, err
	}
	if flags.NArg() == 0 {
		return nil, invalid(fmt.Errorf("%s wants the name of a program (container-manager status lists all)", c.name))
	}
	return flags.Args(), nil
}

// leftAlone gives errors about programs that were left alone their exit code.
func leftAlone(err error) error {
	if errors.Is(err, health.ErrLeftAlone) {
		return &exitError{exitLeftAlone, err}
	}
	return err
}

func restartWorkerCommand() command {
	return command{
		name:    health.WorkerCommand,
		args:    "[--check KIND] [--since TIME] [--why TEXT] NAME ...",
		summary: "Carry out a restart that somebody else asked for",
		hidden:  true,
		run:     restartWorker,
	}
}

func restartWorker(c command, args []string) error {
	outlive()
	flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
	var r health.Request
	flags.Func("check", "", func(kind string) error { r.Check = health.Kind(kind); return nil })
	flags.Func("since", "", func(text string) (err error) { r.Since, err = time.Parse(time.RFC3339Nano, text); return err })
	flags.StringVar(&r.Why, "why", "", "")
	names, err := c.parseNames(flags, args)
	if err != nil {
		return err
	}
	r.Names = names
	programs, err := c.savedPrograms()
	if err != nil {
		return err
	}
	programs.Log = log.Named(programs.Log, "restart") // as it is part of that command
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

// outlive is for workers: whoever asked may be gone before they are done, and with
// it what they write to.
func outlive() { signal.Ignore(unix.SIGPIPE, unix.SIGHUP) }

func resumeCommand() command {
	return command{
		name:    health.ResumeCommand,
		summary: "Start what a dead backup, restore or restart has left stopped",
		hidden:  true,
		run:     resume,
	}
}

func resume(c command, args []string) error {
	outlive()
	if err := c.parseNothing(args); err != nil {
		return err
	}
	programs, err := c.savedPrograms()
	if err != nil {
		return err
	}
	return programs.Resume(context.Background(), func(ctx context.Context) error {
		return backup.Recover(ctx, programs.Config, log.Named(programs.Log, "restore"))
	})
}
