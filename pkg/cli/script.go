package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ZPascal/container-manager/pkg/backup"
	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/setup"
)

// oldNames are the entry points of the Python version.
var oldNames = map[string]string{
	"run.py":             "run",
	"cron.py":            "cron",
	"eventlistener.py":   "eventlistener",
	"check-liveness.py":  "check-liveness",
	"check-readiness.py": "check-readiness",
	"backup.py":          "backup",
	"restore.py":         "restore",
}

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
	if name, ok := oldNames[base]; ok {
		for _, c := range commands() {
			if c.name == name {
				return &exitError{code: exitCode(c, c.run(c, rest))} // it speaks in its own name
			}
		}
	}
	step, ok := setup.Builtin(base)
	if !ok && !backup.IsScript(base) {
		return invalid(fmt.Errorf("%s: there is no built-in of the name %s: a script of your own begins with its interpreter, such as #!/bin/sh", file, base))
	}
	cfg, err := config.LoadSaved()
	if err != nil {
		return err
	}
	l := log.Named(log.New(os.Stderr, logOptions(cfg)), base)
	if ok {
		return step(cfg, l)
	}
	ctx, stop := signalContext(context.Background())
	defer stop()
	return backup.Script(ctx, cfg, l, base, rest)
}
