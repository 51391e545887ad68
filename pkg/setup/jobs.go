package setup

import (
	"path/filepath"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/render"
	"github.com/ZPascal/container-manager/pkg/scriptdir"
)

// The built-in steps that add jobs to the crontab.
const (
	addsBackup    = "01-configure-backup.py"
	addsHealth    = "03-configure-health.py"
	addsLogrotate = "05-configure-logrotate.py"
)

func backupEntry(c config.Config) string {
	if !c.BackupEnabled {
		return ""
	}
	return entry(c.BackupCron, ". %s; %s >>%s 2>&1", quote(config.SavedPath(c.RunDir)), call(BackupPath(c)), quote(c.BackupLog))
}

func healthEntries(c config.Config) string {
	lines := ""
	if c.LivenessCheck {
		lines = entry(c.HealthCron, "%s >>%s 2>&1", call(LivenessPath(c)), quote(c.LivenessLog))
	}
	return lines + entry(c.HealthCron, "%s >>%s 2>&1", call(ReadinessPath(c)), quote(c.ReadinessLog))
}

func logrotateEntry(c config.Config) string {
	return entry(c.LogrotateCron, ". %s; logrotate -f -s %s %s",
		quote(config.SavedPath(c.RunDir)), quote(filepath.Join(c.RunDir, "logging", "logrotate.state")), quote(render.LogrotateConf(c)))
}

// Entries returns the lines that the built-in steps of the image will add to the crontab.
// What scripts add only a start can tell.
func Entries(c config.Config) (lines string) {
	for _, step := range []struct {
		name    string
		entries func(config.Config) string
	}{
		{addsBackup, backupEntry}, {addsHealth, healthEntries}, {addsLogrotate, logrotateEntry},
	} {
		if scriptdir.Inspect(filepath.Join(c.RunAlwaysDir, step.name)).Builtin {
			lines += step.entries(c)
		}
	}
	return lines
}
