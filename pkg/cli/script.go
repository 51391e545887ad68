package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ZPascal/container-manager/pkg/backup"
	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/health"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/scriptdir"
	"github.com/ZPascal/container-manager/pkg/setup"
)

func scriptCommand() command {
	return command{
		name:    "script",
		args:    "FILE [ARGUMENT ...]",
		summary: "Act by the base name of FILE, for files that begin with #!/usr/bin/container-manager script",
		hidden:  true,
		run:     runScript,
	}
}

func runScript(_ command, args []string) error {
	if len(args) == 0 {
		return invalid(errors.New("script wants the name of a file"))
	}
	file, rest := args[0], args[1:]
	base := filepath.Base(file)
	if c, ok := entryPoint(base); ok {
		return &exitError{code: exitCode(c, c.run(c, rest))} // it speaks in its own name
	}
	run := builtin(base)
	if run == nil {
		return invalid(fmt.Errorf("%s: there is no built-in of the name %s: a script of your own begins with its interpreter, such as #!/bin/sh", file, base))
	}
	cfg, err := config.LoadSaved()
	if err != nil {
		return err
	}
	ctx, stop := signalContext(context.Background())
	defer stop()
	err = run(ctx, cfg, log.Named(log.New(os.Stderr, logOptions(cfg)), base), rest)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// builtin is the register of all built-in names, with the functions that stand
// behind them. A directory of steps and `script FILE` use it. That is how a file
// of the image acts by whatever route it is reached: by the start, by hand, by
// kubelet, by cron, by supervisord, or by Python.
func builtin(name string) scriptdir.Builtin {
	if c, ok := entryPoint(name); ok {
		return func(_ context.Context, _ config.Config, _ log.Logger, args []string) error { return c.run(c, args) }
	}
	if step := setup.Builtin(name); step != nil {
		return step
	}
	if name == health.BaseProbe {
		return checkBase
	}
	return backup.Builtin(name)
}

// entryPoint returns the subcommand that an entry point of the Python version
// has become.
func entryPoint(name string) (command, bool) {
	switch name {
	case "run.py":
		return runCommand(), true
	case "cron.py":
		return cronCommand(), true
	case "eventlistener.py":
		return eventListenerCommand(), true
	case "check-liveness.py":
		return checkLivenessCommand(), true
	case "check-readiness.py":
		return checkReadinessCommand(), true
	case "backup.py":
		return backupCommand(), true
	case "restore.py":
		return restoreCommand(), true
	}
	return command{}, false
}
