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

// Begin prepares a start, before its first step. It begins the crontab, and points the
// links of the image tree at the generated files. It does so itself, because a child
// image may have removed the built-in steps.
func Begin(c config.Config, l log.Logger) error {
	if err := keepOwn(c); err != nil {
		return err
	}
	if err := beginCrontab(c); err != nil {
		return err
	}
	saved := config.SavedPath(c.RunDir)
	// The image may have the Python version's step in place of ours. That step fails when
	// it finds a saved environment: then it removes a file that its own background
	// process may not have written yet.
	if !scriptdir.Inspect(filepath.Join(c.RunAlwaysDir, savesEnvironment)).Builtin {
		if err := os.Remove(saved); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := pointLink(l, filepath.Join(c.ConfigDir, "env"), saved); err != nil {
		return err
	}
	if fsutil.IsFile(CrontabLink(c)) {
		return nil // the tree is read-only; the file's lines are in the crontab already
	}
	return pointLink(l, CrontabLink(c), Crontab(c))
}

// ForgetSavedEnvironment is for a child image with the Python version's run.py, which
// must not find a saved environment; see Begin. It removes the second link of our
// images, so that writing through the first one makes a file in its place. It returns no
// error: the start itself reports what it cannot do.
func ForgetSavedEnvironment(c config.Config) {
	hop, err := os.Readlink(filepath.Join(c.ConfigDir, "env"))
	if err == nil && filepath.Base(filepath.Dir(hop)) == hopsName {
		_ = os.Mkdir(filepath.Dir(hop), 0o755)
		_ = os.Remove(hop)
	}
}
