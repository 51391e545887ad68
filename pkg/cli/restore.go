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
	"github.com/ZPascal/container-manager/pkg/stopmark"
)

func restoreCommand() *cobra.Command {
	var stop []string
	var force, discard bool
	c := &cobra.Command{
		Use:   "restore [--stop NAME] [--force] [FILE|latest] | restore --discard",
		Short: "Restore a backup: the newest that is whole, or the one named",
		Long: `FILE is a path, or a name in STORAGE_BACKUP_DIR. An archive is read to its end
before anything is touched; with latest, which is the default, one that is
broken is reported and the one before it is taken.

A process that has files open where the restore puts new ones would go on with
what is moved away. Such a restore is refused: stop the program.

` + backupExitCodes,
		Example: `
  docker exec hello container-manager restore --stop hello
  docker exec hello container-manager restore --stop hello backup-2024-02-29_01:02:03.tar.gz
`,
		RunE: func(c *cobra.Command, args []string) error {
			if discard && (len(args) > 0 || force || len(stop) > 0) {
				return invalid(fmt.Errorf("--discard stands alone (%s -h shows the usage)", c.CommandPath()))
			}
			return runRestore(c, args, func(r backup.Runner, ctx context.Context, which string) (backup.Result, error) {
				if discard {
					return r.Discard(ctx)
				}
				r.Stop, r.Force = stop, force
				result, err := r.Restore(ctx, which)
				if err == nil {
					sender(r.Config.RunDir, r.Log).restored(result.Archive, result.Problems)
				}
				return result, err
			})
		},
	}
	c.Flags().StringArrayVar(&stop, "stop", nil, "stop the program `NAME` meanwhile, beside those of IMAGE_BACKUP_STOP_PROGRAMS")
	c.Flags().BoolVar(&force, "force", false, "restore although somebody has files open there")
	c.Flags().BoolVar(&discard, "discard", false, "remove for good what restores have moved away")
	return c
}

func runRestore(c *cobra.Command, args []string, do func(backup.Runner, context.Context, string) (backup.Result, error)) error {
	which := backup.Latest
	switch len(args) {
	case 0:
	case 1:
		which = args[0]
	default:
		return invalid(fmt.Errorf("one archive at most (%s -h shows the usage)", c.CommandPath()))
	}
	return withRunner(c.Name(), func(r backup.Runner, ctx context.Context) (backup.Result, error) {
		return do(r, ctx, which)
	})
}

// recoverFirst takes a killed restore back before programs are started. Otherwise they
// would write to half-restored content, which the take-back then moves away.
func recoverFirst(ctx context.Context, command string, conf config.Config) error {
	r := backup.Runner{
		Config:   conf,
		Log:      log.Named(log.New(os.Stderr, logOptions(conf)), "restore"),
		Programs: stoppable{command, conf},
	}
	err := r.Recover(ctx)
	if errors.Is(err, fsutil.ErrLocked) {
		return nil // a backup or restore lives, and its marks say what may be started
	}
	if err != nil || len(stopmark.Orphans(conf.RunDir)) == 0 {
		return err
	}
	programs, err := programsFor(command, conf)
	if err != nil {
		return err
	}
	return programs.Resume(ctx, r.Recover)
}
