package setup

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/scriptdir"
)

// Begin is for the start, before the first step. It begins the crontab and points
// the links of the image tree at the generated files, whichever steps the image has.
func Begin(c config.Config, l log.Logger) error {
	if err := keepOwn(c); err != nil {
		return err
	}
	if err := beginCrontab(c); err != nil {
		return err
	}
	saved := config.SavedPath(c.RunDir)
	// The Python version's step, when it finds a saved environment, may trip over its
	// own second process. It has no use for the old one.
	if !scriptdir.Inspect(filepath.Join(c.RunAlwaysDir, savesEnvironment)).Builtin {
		if err := os.Remove(saved); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := pointLink(l, filepath.Join(c.ConfigDir, "env"), saved); err != nil {
		return err
	}
	if isFile(CrontabLink(c)) {
		return nil // of a read-only tree; its lines are in the crontab already
	}
	return pointLink(l, CrontabLink(c), Crontab(c))
}
