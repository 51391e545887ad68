package setup

import (
	"os"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/fsutil"
)

// Complete makes what is needed whether or not a child image has removed the step
// that makes it: jobs and people source the saved environment, and crond wants a
// crontab, an empty one if need be.
func Complete(c config.Config) error {
	if err := fsutil.Update(config.SavedPath(c.RunDir), config.FormatEnviron(c.Environ), 0o600); err != nil {
		return err
	}
	if _, err := os.Lstat(Crontab(c)); err == nil {
		return nil
	}
	return fsutil.Update(Crontab(c), nil, 0o644)
}
