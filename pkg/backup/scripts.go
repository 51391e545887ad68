package backup

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/script"
)

// call is how the scripts of a directory are called.
type call struct {
	args     []string
	variable string // NAME=value, beside the container's environment
	// builtin are the functions that one-line files stand for.
	builtin map[string]builtinScript
	stage   string // for those
}

// staging calls scripts as `SCRIPT -i DIR`, which is also in the variable.
func staging(dir, variable string, builtin map[string]builtinScript) call {
	return call{[]string{"-i", dir}, variable + "=" + dir, builtin, dir}
}

// scripts runs every script of a directory in order, until one fails. It returns
// how many things are not as they should be.
func (r Runner) scripts(ctx context.Context, dir string, c call) (problems int, err error) {
	files, err := script.Find(dir)
	if err != nil {
		return 0, err
	}
	for _, f := range files {
		n, err := r.script(ctx, f, c)
		if problems += n; err != nil {
			return problems, err
		}
	}
	return problems, nil
}

func (r Runner) script(ctx context.Context, f script.File, c call) (problems int, err error) {
	l := log.Named(r.Log, f.Name)
	switch {
	case f.Empty:
		return 0, nil
	case f.OneLine:
		run, ok := c.builtin[f.Name]
		if !ok {
			return 0, fmt.Errorf("%s: there is no built-in script of this name", f.Path)
		}
		problems, err = run(ctx, r.Config, l, c.stage)
		if err != nil && ctx.Err() == nil {
			err = fmt.Errorf("%s failed: %w", f.Path, err)
		}
		return problems, err
	}
	if err := f.Check(); err != nil {
		return 0, err
	}
	r.Log.Info().Msgf("running %s", f.Path)
	err = script.Command{
		Path:    f.Path,
		Args:    c.args,
		Env:     append(slices.Clip(r.Config.Environ), c.variable),
		Output:  func(line string) { log.Messages(l, line) },
		Timeout: time.Duration(r.Config.BackupTimeout),
	}.Run(ctx)
	var failed *script.Error
	if errors.As(err, &failed) && failed.Timeout > 0 {
		err = fmt.Errorf("%w (IMAGE_BACKUP_SCRIPT_TIMEOUT)", err)
	}
	return 0, err
}

// after runs the scripts of IMAGE_BACKUP_POST_DIR with the path of an archive
// that is finished. The archive is there whatever they do, so each has its turn
// and those that fail are counted.
func (r Runner) after(ctx context.Context, path string) (failed int) {
	files, err := script.Find(r.Config.BackupPostDir)
	if err != nil {
		r.Log.Error().Msg(err.Error())
		return 1
	}
	for _, f := range files {
		if _, err := r.script(ctx, f, call{args: []string{path}, variable: "BACKUP_ARCHIVE=" + path}); err != nil {
			r.Log.Error().Msg(err.Error())
			failed++
		}
	}
	return failed
}

// IsScript reports whether there is a built-in script of this name.
func IsScript(name string) bool { return builtinNamed(name) != nil }

func builtinNamed(name string) builtinScript {
	if run, ok := backupScripts()[name]; ok {
		return run
	}
	return restoreScripts()[name]
}

// Script is a built-in script whose file was called by itself: NAME -i DIR.
func Script(ctx context.Context, c config.Config, l log.Logger, name string, args []string) error {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	dir := flags.String("i", "", "")
	if err := flags.Parse(args); err != nil || *dir == "" || flags.NArg() > 0 {
		return fmt.Errorf("usage: %s -i DIR", name)
	}
	_, err := builtinNamed(name)(ctx, c, l, *dir)
	return err
}
