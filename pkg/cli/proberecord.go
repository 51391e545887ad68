package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ZPascal/container-manager/pkg/backup"
	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/cron"
	"github.com/ZPascal/container-manager/pkg/setup"
	"github.com/ZPascal/container-manager/pkg/status"
)

// These probes look at what backups and jobs have recorded.

func backupProbe() *cobra.Command {
	var newer config.Duration
	c := &cobra.Command{
		Use:   "backup [--newer DURATION]",
		Short: "Want a backup that went well",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			cfg, err := config.LoadSaved()
			if err != nil {
				return err
			}
			return backup.CheckLast(cfg, time.Duration(newer), time.Now())
		},
	}
	c.Flags().Var(&newer, "newer", "the backup has to have ended less than this `DURATION` ago")
	return c
}

func jobProbe() *cobra.Command {
	return newProbe("job [--newer DURATION] NAME", "Want a job of the crontab to have gone well", askJob)
}

func askJob(flags *pflag.FlagSet) func(context.Context, string) error {
	newer := new(config.Duration)
	flags.Var(newer, "newer", "its last run that went well has to have ended less than this `DURATION` ago")
	return func(_ context.Context, name string) error {
		cfg, err := config.LoadSaved()
		if err != nil {
			return err
		}
		entry, err := findJob(cfg, name)
		if err != nil {
			return err
		}
		return cron.CheckHistory(cron.HistoryDir(setup.Crontab(cfg)), entry, time.Duration(*newer), time.Now())
	}
}

// findJob returns the entry of the crontab that has this name. A name that nobody has is
// mostly a mistake in it, so the error has all names.
func findJob(cfg config.Config, name string) (cron.Entry, error) {
	table, err := status.Crontab(cfg)
	var bad cron.Problems
	if err != nil && !errors.As(err, &bad) {
		return cron.Entry{}, err
	}
	var known []string
	for _, e := range table {
		if e.Label == name {
			return e, nil
		}
		known = append(known, fmt.Sprintf("%q", e.Label))
	}
	if len(known) == 0 {
		return cron.Entry{}, fmt.Errorf("there is no job %q: the crontab has no jobs", name)
	}
	return cron.Entry{}, fmt.Errorf("there is no job %q: the crontab has %s", name, strings.Join(known, ", "))
}
