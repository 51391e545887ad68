// Package setup runs the steps that lie in a directory, in file-name order:
// scripts, and the built-in steps that one-line files stand for. The directory
// is the truth: what lies there is what runs.
package setup

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/script"
)

// Runner runs steps.
type Runner struct {
	Config config.Config
	Log    log.Logger
}

// All runs every step of a directory.
func (r Runner) All(ctx context.Context, dir string) error {
	return r.Each(ctx, dir, func(_ script.File, run func() error) error { return run() })
}

// Each hands every step of a directory to do, which decides whether to run it.
func (r Runner) Each(ctx context.Context, dir string, do func(f script.File, run func() error) error) error {
	files, err := script.Find(dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		err := do(f, func() error { return r.run(ctx, f) })
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			return fmt.Errorf("step %s of %s failed: %w", f.Name, filepath.Base(dir), err)
		}
	}
	return nil
}

func (r Runner) run(ctx context.Context, f script.File) error {
	l := log.Named(r.Log, f.Name)
	if f.Empty {
		l.Debug().Msg("is empty, nothing to do")
		return nil
	}
	if f.OneLine {
		step, ok := Builtin(f.Name)
		if !ok {
			return fmt.Errorf("%s: there is no built-in step of this name", f.Path)
		}
		return step(r.Config, l)
	}
	if err := f.Check(); err != nil {
		return err
	}
	r.Log.Info().Msgf("running %s", f.Path)
	return script.Command{
		Path:   f.Path,
		Env:    r.Config.Environ,
		Output: func(line string) { log.Messages(l, line) },
		// The container ends too: a database that it started gets time to close.
		EndOnFailure: true,
	}.Run(ctx)
}
