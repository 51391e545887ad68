package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/ZPascal/container-manager/pkg/backup"
	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/log"
)

// Exit codes of backup and restore, beside the common ones.
const (
	exitIncomplete = 3 // done, but not all is as it should be
	exitLocked     = 4 // another backup or restore is at work
)

const backupExitCodes = `Exit codes:
  0        done
  1        failed; what was there is as it was
  2        the command line or the environment is invalid
  3        incomplete: done, but not all is as it should be; the log says what
  4        refused, because another backup or restore is at work on the volume
  128+n    ended by signal n`

func backupCommand() command {
	return command{
		name:    "backup",
		args:    "[--dry-run] | backup list [--json] | backup verify [FILE ...]",
		summary: "Back up into STORAGE_BACKUP_DIR, list what is there, or verify it",
		help: `Runs the scripts of IMAGE_BACKUP_SCRIPTS_DIR, packs what they stage and what
IMAGE_BACKUP_PATHS names, reads the archive back, runs the scripts of
IMAGE_BACKUP_POST_DIR, and deletes what IMAGE_BACKUP_RETENTION does not keep.

list describes the archives, the newest first; verify reads those named, or
all, to their ends and compares every sum. FILE is a path, or a name in
STORAGE_BACKUP_DIR.

` + backupExitCodes,
		run: runBackup,
	}
}

func runBackup(c command, args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case "list":
			return runBackupList(c, args[1:])
		case "verify":
			return runBackupVerify(c, args[1:])
		}
	}
	flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
	dryRun := flags.Bool("dry-run", false, "say what would be done, and do nothing")
	if err := c.parseNone(flags, args); err != nil {
		return err
	}
	return withRunner(c, func(r backup.Runner, ctx context.Context) (backup.Result, error) {
		if *dryRun {
			return backup.Result{}, r.DryRun(ctx, os.Stdout)
		}
		return r.Backup(ctx)
	})
}

// parseNone parses flags where nothing may follow them.
func (c command) parseNone(flags *flag.FlagSet, args []string) error {
	if err := c.parse(flags, args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return invalid(fmt.Errorf("unexpected argument %q (container-manager %s -h shows the usage)", flags.Arg(0), c.name))
	}
	return nil
}

// withRunner does one thing with a runner, and turns what came of it into an
// exit code.
func withRunner(c command, do func(backup.Runner, context.Context) (backup.Result, error)) error {
	conf, err := config.LoadSaved()
	if err != nil {
		return err
	}
	ctx, stop := signalContext(context.Background())
	defer stop()
	r := backup.Runner{
		Config:   conf,
		Log:      log.Named(log.New(os.Stderr, logOptions(conf)), c.name),
		Programs: stoppable{c, conf},
	}
	if log.IsTerminal(os.Stderr) {
		r.Terminal = os.Stderr
	}
	result, err := do(r, ctx)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, fsutil.ErrLocked):
		return &exitError{exitLocked, err}
	case err == nil && result.Problems > 0:
		return &exitError{exitIncomplete, fmt.Errorf("done, but incomplete: see what is said above (%d)", result.Problems)}
	}
	return err
}
