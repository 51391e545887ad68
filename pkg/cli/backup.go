package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

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

func backupCommand() *cobra.Command {
	var dryRun bool
	c := &cobra.Command{
		Use:   "backup [--dry-run] | backup list [--json] | backup verify [FILE ...]",
		Short: "Back up into STORAGE_BACKUP_DIR, list what is there, or verify it",
		Long: `Runs the scripts of IMAGE_BACKUP_SCRIPTS_DIR, packs what they stage and what
IMAGE_BACKUP_PATHS names, reads the archive back, runs the scripts of
IMAGE_BACKUP_POST_DIR, and deletes what IMAGE_BACKUP_RETENTION does not keep.

list describes the archives, the newest first; verify reads those named, or
all, to their ends and compares every sum. FILE is a path, or a name in
STORAGE_BACKUP_DIR.

` + backupExitCodes,
		Example: `
  docker exec hello container-manager backup
  docker exec hello container-manager backup list
  docker exec hello container-manager backup verify
`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error { return runBackup(c.Name(), dryRun) },
	}
	c.Flags().BoolVar(&dryRun, "dry-run", false, "say what would be done, and do nothing")
	c.AddCommand(backupListCommand(), backupVerifyCommand())
	return c
}

func runBackup(command string, dryRun bool) error {
	return withRunner(command, func(r backup.Runner, ctx context.Context) (backup.Result, error) {
		if dryRun {
			return backup.Result{}, r.DryRun(ctx, os.Stdout)
		}
		ping := pinger(r.Config.BackupPingURL, func(err error) { r.Log.Warn().Msgf("IMAGE_BACKUP_PING_URL: %v", err) })
		ping.Start(context.WithoutCancel(ctx))
		result, err := r.Backup(ctx)
		sender(r.Config.RunDir, r.Log).backedUp(result, err)
		endPing(ctx, ping, codeOf(outcome(ctx, result, err)))
		return result, err
	})
}

// withRunner calls do with a runner, and turns the result into an exit code.
func withRunner(command string, do func(backup.Runner, context.Context) (backup.Result, error)) error {
	ctx, stop := signalContext(context.Background())
	defer stop()
	conf, err := config.LoadSaved()
	if err != nil {
		return err
	}
	r := backup.Runner{
		Config:   conf,
		Log:      log.Named(log.New(os.Stderr, logOptions(conf)), command),
		Programs: stoppable{command, conf},
	}
	if log.IsTerminal(os.Stderr) {
		r.Terminal = os.Stderr
	}
	result, err := do(r, ctx)
	return outcome(ctx, result, err)
}

// outcome is what the command ends with.
func outcome(ctx context.Context, result backup.Result, err error) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, fsutil.ErrLocked):
		return &exitError{exitLocked, err}
	case err == nil && result.Problems > 0:
		return &exitError{exitIncomplete, fmt.Errorf("done, but not all is as it should be: warnings and errors above: %d", result.Problems)}
	}
	return err
}
