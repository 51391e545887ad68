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

// Complete makes two files that are needed even when a child image has removed the steps
// that make them: the saved environment, which jobs and people source, and a crontab,
// perhaps an empty one, which crond wants.
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
