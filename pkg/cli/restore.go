package cli

import (
	"context"
	"flag"
	"fmt"

	"github.com/ZPascal/container-manager/pkg/backup"
)

func restoreCommand() command {
	return command{
		name:    "restore",
		args:    "[FILE|latest]",
		summary: "Restore a backup: the newest that is whole, or the one named",
		help: `FILE is a path, or a name in STORAGE_BACKUP_DIR. An archive is read to its end
before anything is touched; with latest, which is the default, one that is
broken is reported and the one before it is taken.

` + backupExitCodes,
		run: runRestore,
	}
}

func runRestore(c command, args []string) error {
	flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
	if err := c.parse(flags, args); err != nil {
		return err
	}
	which := backup.Latest
	switch flags.NArg() {
	case 0:
	case 1:
		which = flags.Arg(0)
	default:
		return invalid(fmt.Errorf("one archive at most (container-manager %s -h shows the usage)", c.name))
	}
	return withRunner(c, func(r backup.Runner, ctx context.Context) (backup.Result, error) {
		return r.Restore(ctx, which)
	})
}
