package setup

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/render"
	"github.com/ZPascal/container-manager/pkg/scriptdir"
)

// The entry points of the image that the crontab calls. It calls their paths: a
// child image may have replaced one.

// BackupPath is the path of the entry point of backups.
func BackupPath(c config.Config) string { return filepath.Join(c.BackupToolDir, "backup.py") }

// LivenessPath is the path of the liveness check.
func LivenessPath(c config.Config) string { return filepath.Join(c.HealthDir, "check-liveness.py") }

// ReadinessPath is the path of the readiness check.
func ReadinessPath(c config.Config) string { return filepath.Join(c.HealthDir, "check-readiness.py") }

// JobName returns the name of the container manager's own job that runs a command, or ""
// for any other command. Old images write such lines of the crontab themselves, so it
// looks for what is called, and not for a line of ours.
func JobName(c config.Config, command string) string {
	for _, job := range []struct{ name, path string }{
		{"backup", BackupPath(c)},
		{"check-liveness", LivenessPath(c)},
		{"check-readiness", ReadinessPath(c)},
		{"logrotate", render.LogrotateConf(c)},
		{"logrotate", filepath.Join(c.LoggingDir, filepath.Base(render.LogrotateConf(c)))},
	} {
		if strings.Contains(command, job.path) || strings.Contains(command, quote(job.path)) {
			return job.name
		}
	}
	return ""
}

// call returns the command line that runs an entry point.
func call(path string) string {
	if scriptdir.Inspect(path).NeedsBinary() {
		return "container-manager script " + quote(path)
	}
	return quote(path)
}

// entry returns a line of the crontab. It trims the schedule, because a value of several
// lines in a manifest ends in a newline.
func entry(schedule, command string, args ...any) string {
	return strings.TrimSpace(schedule) + " " + fmt.Sprintf(command, args...) + "\n"
}

// quote writes a path for sh; ordinary ones stay as they are.
func quote(path string) string {
	if !strings.ContainsAny(path, " \t\n\"'`$\\&;|<>()*?[]#~!{}") {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
