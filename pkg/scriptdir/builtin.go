package scriptdir

import (
	"context"
	"fmt"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/script"
)

// Builtin is what a built-in file does. It gets the arguments that a process
// would get, without its name.
type Builtin func(ctx context.Context, c config.Config, l log.Logger, args []string) error

// Register returns the built-in that a file name stands for, nil for other names.
type Register func(name string) Builtin

// Runner runs the executables of a directory.
type Runner struct {
	Config   config.Config
	Log      log.Logger
	Builtins Register // may be nil
	// Quiet runs files without saying so, for those that run every few minutes.
	Quiet bool
}

// Run runs one file: an empty one does nothing, a built-in one is a function
// call, and all others are processes, with cmd's options and the path of the
// file. Where cmd says nothing else, a process gets the configuration's
// environment, and its output is logged in the name of the file.
func (r Runner) Run(ctx context.Context, f File, cmd script.Command) error {
	l := log.Named(r.Log, f.Name)
	switch {
	case f.Empty:
		l.Debug().Msg("is empty, nothing to do")
		return nil
	case f.Builtin:
		return r.call(ctx, f, l, cmd.Args)
	}
	if err := f.Check(); err != nil {
		return err
	}
	if !r.Quiet {
		r.Log.Info().Msgf("running %s", f.Path)
	}
	cmd.Path = f.Path
	if cmd.Env == nil {
		cmd.Env = r.Config.Environ
	}
	if cmd.Output == nil {
		cmd.Output = func(line string) { log.Messages(l, line) }
	}
	return cmd.Run(ctx)
}

func (r Runner) call(ctx context.Context, f File, l log.Logger, args []string) error {
	if r.Builtins != nil {
		if builtin := r.Builtins(f.Name); builtin != nil {
			return builtin(ctx, r.Config, l, args)
		}
	}
	return fmt.Errorf("%s: there is no built-in of this name: a script of your own begins with its interpreter, such as #!/bin/sh", f.Path)
}
