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
	"github.com/ZPascal/container-manager/pkg/scriptdir"
)

// call is how the scripts of a directory are called.
type call struct {
	args     []string
	variable string // NAME=value, beside the container's environment
	// builtin are the functions that built-in files stand for.
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
	files, err := scriptdir.Find(dir)
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

func (r Runner) script(ctx context.Context, f scriptdir.File, c call) (problems int, err error) {
	// The built-in ones count problems, which a process cannot.
	builtins := func(name string) scriptdir.Builtin {
		run, ok := c.builtin[name]
		if !ok {
			return nil
		}
		return func(ctx context.Context, conf config.Config, l log.Logger, _ []string) error {
			n, err := run(ctx, conf, l, c.stage)
			problems = n
			if err != nil && ctx.Err() == nil {
				err = fmt.Errorf("%s failed: %w", f.Path, err)
			}
			return err
		}
	}
	err = scriptdir.Runner{Config: r.Config, Log: r.Log, Builtins: builtins}.Run(ctx, f, script.Command{
		Args:    c.args,
		Env:     append(slices.Clip(r.Config.Environ), c.variable),
		Timeout: time.Duration(r.Config.BackupTimeout),
	})
	if failed, ok := errors.AsType[*script.Error](err); ok && failed.Timeout > 0 {
		err = fmt.Errorf("%w (IMAGE_BACKUP_SCRIPT_TIMEOUT)", err)
	}
	return problems, err
}

// after runs the scripts of IMAGE_BACKUP_POST_DIR with the path of an archive that is
// finished. When a script fails, the others run all the same, because the archive stays.
// It returns how many failed.
func (r Runner) after(ctx context.Context, path string) (failed int) {
	files, err := scriptdir.Find(r.Config.BackupPostDir)
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

// Builtin is the register of the built-in scripts, for one that is called by
// itself: NAME -i DIR.
func Builtin(name string) scriptdir.Builtin {
	run := backupScripts()[name]
	if run == nil {
		run = restoreScripts()[name]
	}
	if run == nil {
		return nil
	}
	return func(ctx context.Context, c config.Config, l log.Logger, args []string) error {
		flags := flag.NewFlagSet(name, flag.ContinueOnError)
		flags.SetOutput(io.Discard)
		dir := flags.String("i", "", "")
		if err := flags.Parse(args); err != nil || *dir == "" || flags.NArg() > 0 {
			return fmt.Errorf("usage: %s -i DIR", name)
		}
		_, err := run(ctx, c, l, *dir)
		return err
	}
}
