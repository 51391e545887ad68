package setup

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/scriptdir"
)

// Builtin is the register of the built-in steps.
func Builtin(name string) scriptdir.Builtin {
	switch name {
	case savesEnvironment:
		return step(configureEnvironment)
	case addsBackup:
		return step(configureBackup)
	case "02-configure-cron.py":
		return step(configureCron)
	case addsHealth:
		return step(configureHealth)
	case "04-configure-filebeat.py":
		return step(configureFilebeat)
	case addsLogrotate:
		return step(configureLogrotate)
	case "00-create-storage-dirs.py":
		return step(createStorageDirs)
	}
	return nil
}

// step makes a built-in of a step, which takes no arguments and is too quick to
// be cancelled.
func step(run func(config.Config, log.Logger) error) scriptdir.Builtin {
	return func(_ context.Context, c config.Config, l log.Logger, _ []string) error { return run(c, l) }
}

// configureEnvironment saves the environment for processes that supervisord does not
// start, and logs which variables have changed. Values stay out of the log: any of them
// may be a secret.
func configureEnvironment(c config.Config, l log.Logger) error {
	path := config.SavedPath(c.RunDir)
	saved := config.FormatEnviron(c.Environ)
	old, err := fsutil.ReadFile(path)
	if err == nil && !bytes.Equal(old, saved) {
		logChanges(l, string(old), string(saved))
	}
	return fsutil.Update(path, saved, 0o600)
}

func logChanges(l log.Logger, old, saved string) {
	before, after := config.ParseEnviron(strings.NewReader(old)), config.ParseEnviron(strings.NewReader(saved))
	var added, changed, removed []string
	for name, value := range after {
		if was, ok := before[name]; !ok {
			added = append(added, name)
		} else if was != value {
			changed = append(changed, name)
		}
	}
	for name := range before {
		if _, ok := after[name]; !ok {
			removed = append(removed, name)
		}
	}
	for _, change := range []struct {
		what  string
		names []string
	}{{"added", added}, {"changed", changed}, {"removed", removed}} {
		if len(change.names) > 0 {
			slices.Sort(change.names)
			l.Info().Msgf("environment variables %s since the last start: %s", change.what, strings.Join(change.names, ", "))
		}
	}
}

// configureBackup begins the crontab afresh and puts the backup job in it.
func configureBackup(c config.Config, _ log.Logger) error {
	if err := adopt(c); err != nil {
		return err
	}
	if err := beginCrontab(c); err != nil {
		return err
	}
	return addToCrontab(c, backupEntry(c))
}

func configureCron(c config.Config, l log.Logger) error {
	if !c.CronEnabled {
		l.Info().Msg("crond stays stopped: no backups, health checks or log rotation run by themselves (IMAGE_CRON_ENABLED)")
	}
	return nil
}

func configureHealth(c config.Config, _ log.Logger) error {
	return addToCrontab(c, healthEntries(c))
}

func configureFilebeat(c config.Config, l log.Logger) error {
	switch {
	case c.HasFilebeatOutput():
		l.Info().Msgf("filebeat ships logs where %s says", c.FilebeatOutput())
	case c.RedisHost != "":
		l.Info().Msg("filebeat ships logs to Redis (LOGGING_REDIS_HOST)")
	}
	return nil
}

func configureLogrotate(c config.Config, _ log.Logger) error {
	return addToCrontab(c, logrotateEntry(c))
}
