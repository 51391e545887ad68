package config

import (
	"os"
	"os/exec"
	"path/filepath"
)

// FindSelf makes sure that supervisord, crontabs and scripts find container-manager in
// PATH. A binary that was started by its path may lie elsewhere; then FindSelf adds its
// directory at the end.
func FindSelf() {
	if _, err := exec.LookPath("container-manager"); err == nil {
		return
	}
	self, err := os.Executable()
	if err != nil || filepath.Base(self) != "container-manager" {
		return
	}
	path := filepath.Dir(self)
	if old := os.Getenv("PATH"); old != "" {
		path = old + string(os.PathListSeparator) + path
	}
	_ = os.Setenv("PATH", path)
}
