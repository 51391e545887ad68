package cli

import (
	"fmt"
	"os"
	"syscall"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/scriptdir"
	"github.com/ZPascal/container-manager/pkg/setup"
)

// isChildsOwn reports whether a child image has put its own file in the place of
// /run.py. The entry point of our images is `container-manager script /run.py`.
func isChildsOwn(f scriptdir.File) bool {
	_, err := os.Stat(f.Path)
	return err == nil && !f.Builtin && !f.Empty
}

// execChildsRun replaces this process by a child image's own /run.py.
func execChildsRun(f scriptdir.File, args []string) error {
	if err := f.Check(); err != nil {
		return &exitError{126, err}
	}
	environ := os.Environ()      // before the next line adds the defaults
	cfg, _ := config.LoadSaved() // an error is ignored: an old start checks nothing
	setup.ForgetSavedEnvironment(cfg)
	err := syscall.Exec(args[0], args, environ)
	return &exitError{126, fmt.Errorf("cannot run %s: %w", args[0], err)}
}
