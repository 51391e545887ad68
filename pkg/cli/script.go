package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ZPascal/container-manager/pkg/backup"
	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/health"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/notify"
	"github.com/ZPascal/container-manager/pkg/scriptdir"
	"github.com/ZPascal/container-manager/pkg/setup"
)

func scriptCommand() *cobra.Command {
	return &cobra.Command{
		Use:                "script FILE [ARGUMENT ...]",
		Short:              "Act by the base name of FILE, for files that begin with #!/usr/bin/container-manager script",
		Hidden:             true,
		DisableFlagParsing: true,
		RunE:               runScript,
	}
}

func runScript(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return invalid(errors.New("script wants the name of a file"))
	}
	file, rest := args[0], args[1:]
	base := filepath.Base(file)
	if f := scriptdir.Inspect(file); base == "run.py" && isChildsOwn(f) {
		return execChildsRun(f, args)
	}
	if name, ok := entryPoint(base); ok {
		return &exitError{code: exitCode(name, execute(name, rest))} // it speaks in its own name
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

// builtin is the register of all built-in names, with the functions that stand behind
// them. A directory of steps and `script FILE` use it. So a file of the image does the
// same when the start, a person, kubelet, cron, supervisord or Python runs it.
func builtin(name string) scriptdir.Builtin {
	if command, ok := entryPoint(name); ok {
		return func(_ context.Context, _ config.Config, _ log.Logger, args []string) error {
			return execute(command, args)
		}
	}
	if step := setup.Builtin(name); step != nil {
		return step
	}
	switch name {
	case health.BaseProbe:
		return checkBase
	case notify.Webhook:
		return postEvent
	}
	return backup.Builtin(name)
}

// entryPoint returns the name of the subcommand that an entry point of the Python
// version has become.
func entryPoint(file string) (name string, ok bool) {
	name, ok = strings.CutSuffix(file, ".py")
	switch name {
	case "run", "cron", "eventlistener", "check-liveness", "check-readiness", "backup", "restore":
		return name, ok
	}
	return "", false
}
