package setup

import (
	"os"
	"path/filepath"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/scriptdir"
)

// savesEnvironment is the built-in step that saves the environment.
const savesEnvironment = "00-configure-environment.py"

// Complete makes what is needed whether or not a child image has removed the step
// that makes it: jobs and people source the saved environment, and crond wants a
// crontab, an empty one if need be.
func Complete(c config.Config) error {
	if !scriptdir.Inspect(filepath.Join(c.RunAlwaysDir, savesEnvironment)).Builtin {
		if err := fsutil.Update(config.SavedPath(c.RunDir), config.FormatEnviron(c.Environ), 0o600); err != nil {
			return err
		}
	}
	if _, err := os.Lstat(Crontab(c)); err == nil {
		return nil
	}
	return fsutil.Update(Crontab(c), nil, 0o644)
}
