// Package setup runs the steps that lie in a directory, in file-name order, and
// holds the built-in ones. The directory is the truth: what lies there is what
// runs.
package setup

import (
	"context"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/script"
	"github.com/ZPascal/container-manager/pkg/scriptdir"
)

// Runner runs steps.
type Runner struct {
	Config   config.Config
	Log      log.Logger
	Builtins scriptdir.Register
	// BeforeProcess, unless it is nil, is called before a step is run as a process.
	BeforeProcess func()
}

// All runs every step of a directory.
func (r Runner) All(ctx context.Context, dir string) error {
	return r.Each(ctx, dir, func(_ scriptdir.File, run func() error) error { return run() })
}

// Any reports whether a directory has a step that does something.
func (r Runner) Any(dir string) (bool, error) {
	files, err := scriptdir.Find(dir)
	return slices.ContainsFunc(files, func(f scriptdir.File) bool { return isStep(f.Name) && !f.Empty }), err
}

// Each hands every step of a directory to do, which decides whether to run it.
func (r Runner) Each(ctx context.Context, dir string, do func(f scriptdir.File, run func() error) error) error {
	files, err := scriptdir.Find(dir)
	if err != nil {
		return err
	}
	for _, f := range r.steps(dir, files) {
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

// steps returns the files that are steps, and says which others could be run.
// Those may be helpers: old images keep programs such as create-user.sh beside
// the *.py steps that call them, and only *.py was ever run.
func (r Runner) steps(dir string, files []scriptdir.File) []scriptdir.File {
	var steps []scriptdir.File
	var others []string
	for _, f := range files {
		if isStep(f.Name) {
			steps = append(steps, f)
		} else {
			others = append(others, f.Name)
		}
	}
	if len(others) > 0 {
		r.Log.Info().Msgf("not run as steps of %s: %s (the name of a step begins with a digit, or ends in .py)", filepath.Base(dir), strings.Join(others, ", "))
	}
	return steps
}

func isStep(name string) bool { return path.Ext(name) == ".py" || name[0] >= '0' && name[0] <= '9' }

func (r Runner) run(ctx context.Context, f scriptdir.File) error {
	// After a failure the container ends too: a database that the step has started
	// in the background gets time to close.
	cmd := script.Command{EndOnFailure: true}
	if !f.Builtin && !f.Empty {
		if r.BeforeProcess != nil {
			r.BeforeProcess()
		}
		defer r.remind(f.Name)()
	}
	return scriptdir.Runner{Config: r.Config, Log: r.Log, Builtins: r.Builtins}.Run(ctx, f, cmd)
}

// patience is how long a step runs until the log says that it still does, and says so again.
const patience = 10 * time.Second

// remind says now and then that a step still runs, until the result is called. Who looks at
// a start that hangs sees where.
func (r Runner) remind(name string) (stop func()) {
	began, ended := time.Now(), make(chan struct{})
	var said sync.WaitGroup
	said.Go(func() {
		for {
			select {
			case <-ended:
				return
			case <-time.After(patience):
				r.Log.Info().Msgf("step %s still runs, after %s", name, time.Since(began).Round(time.Second))
			}
		}
	})
	return func() {
		close(ended)
		said.Wait()
	}
}
