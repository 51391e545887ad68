package setup

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/fsutil"
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
	// The Python version's step has no use for a former environment. When it finds one,
	// it removes a file that a process of its own may not have written yet, and fails.
	if !scriptdir.Inspect(filepath.Join(c.RunAlwaysDir, savesEnvironment)).Builtin {
		if err := os.Remove(saved); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := pointLink(l, filepath.Join(c.ConfigDir, "env"), saved); err != nil {
		return err
	}
	if fsutil.IsFile(CrontabLink(c)) {
		return nil // of a read-only tree; its lines are in the crontab already
	}
	return pointLink(l, CrontabLink(c), Crontab(c))
}

// ForgetSavedEnvironment lets a start of the Python version find no environment that
// was saved before; see Begin. The link of our images then leads to where it can be
// written. That start itself reports what it cannot do because of a failure here.
func ForgetSavedEnvironment(c config.Config) {
	hop, err := os.Readlink(filepath.Join(c.ConfigDir, "env"))
	if err == nil && filepath.Base(filepath.Dir(hop)) == hopsName {
		_ = os.Mkdir(filepath.Dir(hop), 0o755)
		_ = os.Remove(hop)
	}
}
