package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ZPascal/container-manager/pkg/backup"
)

func restoreCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "restore [FILE|latest]",
		Short: "Restore a backup: the newest that is whole, or the one named",
		Long: `FILE is a path, or a name in STORAGE_BACKUP_DIR. An archive is read to its end
before anything is touched; with latest, which is the default, one that is
broken is reported and the one before it is taken.

` + backupExitCodes,
		RunE: runRestore,
	}
}

func runRestore(c *cobra.Command, args []string) error {
	which := backup.Latest
	switch len(args) {
	case 0:
	case 1:
		which = args[0]
	default:
		return invalid(fmt.Errorf("one archive at most (%s -h shows the usage)", c.CommandPath()))
	}
	return withRunner(c.Name(), func(r backup.Runner, ctx context.Context) (backup.Result, error) {
		return r.Restore(ctx, which)
	})
}
