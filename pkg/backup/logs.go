package backup

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/script"
)

// builtinScript is a function in place of a script. It returns how many things
// are not as they should be.
type builtinScript func(ctx context.Context, c config.Config, l log.Logger, stage string) (problems int, err error)

func backupScripts() map[string]builtinScript {
	return map[string]builtinScript{"backup-logs.py": backupLogs}
}

func restoreScripts() map[string]builtinScript {
	return map[string]builtinScript{"restore-logs.py": restoreLogs}
}

// rsyncVanished is rsync's exit status when files vanished while it read them.
const rsyncVanished = 24

// backupLogs stages the logs.
func backupLogs(ctx context.Context, c config.Config, l log.Logger, stage string) (int, error) {
	if _, err := os.Stat(c.LogsDir); errors.Is(err, fs.ErrNotExist) {
		l.Info().Msgf("there are no logs: %s does not exist", c.LogsDir)
		return 0, nil
	}
	rsync, err := exec.LookPath("rsync")
	if err != nil {
		return 0, errors.New("rsync is not installed: install it, or remove this script")
	}
	err = script.Command{
		Path:    rsync,
		Args:    []string{"--archive", "--numeric-ids", "--sparse", "--", c.LogsDir + "/", filepath.Join(stage, "logs")},
		Env:     c.Environ,
		Output:  func(line string) { l.Info().Msg(line) },
		Timeout: time.Duration(c.BackupTimeout),
	}.Run(ctx)
	if failed, ok := errors.AsType[*script.Error](err); ok && failed.Status == rsyncVanished {
		l.Warn().Msg("some logs vanished while they were read")
		return 1, nil
	}
	if err == nil {
		l.Info().Msgf("staged the logs of %s", c.LogsDir)
	}
	return 0, err
}

// restoreLogs does not restore the logs: they are about a container that has ended, and
// the new one writes its own.
func restoreLogs(_ context.Context, c config.Config, l log.Logger, _ string) (int, error) {
	l.Info().Msgf("the logs of the new life in %s stay as they are; those of the old one are in the archive, below logs/", c.LogsDir)
	return 0, nil
}
