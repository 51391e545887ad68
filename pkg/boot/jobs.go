package boot

import (
	"github.com/ZPascal/container-manager/pkg/scriptdir"
	"github.com/ZPascal/container-manager/pkg/setup"
)

// checkJobs says which of the entry points that the crontab calls cannot be run:
// a child image may have replaced them, and a job that fails every night is
// noticed late. The image tree has been locked, which gave them execute bits.
func (b *Boot) checkJobs() {
	for _, job := range []struct {
		path    string
		enabled bool
	}{
		{setup.BackupPath(b.Config), bool(b.Config.BackupEnabled)},
		{setup.LivenessPath(b.Config), bool(b.Config.LivenessCheck)},
		{setup.ReadinessPath(b.Config), true},
	} {
		if !job.enabled || !bool(b.Config.CronEnabled) {
			continue
		}
		f := scriptdir.Inspect(job.path)
		if err := f.Check(); err != nil && !f.Builtin {
			b.Log.Error().Msgf("%v: its job in the crontab fails", err)
		}
	}
}
