package boot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/ZPascal/container-manager/pkg/events"
	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/render"
	"github.com/ZPascal/container-manager/pkg/setup"
	"github.com/ZPascal/container-manager/pkg/supervisor"
)

// refuseSecondLife returns an error when a supervisord runs here already: a second start
// would remove its files.
func (b *Boot) refuseSecondLife() error {
	clients := []supervisor.Client{supervisor.AtSocket(b.Config.Socket)}
	if former, err := supervisor.FromConfig(render.SupervisorConf(b.Config), b.Config.Lookup); err == nil {
		clients = append(clients, former)
	}
	for _, c := range clients {
		if c.IsAbsent() {
			continue
		}
		switch err := c.Touch(context.Background()); {
		case err == nil:
			return fmt.Errorf("supervisord already runs at %s: use that container's programs, or name another IMAGE_SUPERVISOR_SOCKET", c)
		case errors.Is(err, fs.ErrPermission):
			return fmt.Errorf("IMAGE_SUPERVISOR_SOCKET=%s belongs to another user: remove it, or name another one%s", c, fsutil.Advice(c.String(), err))
		}
	}
	return nil
}

// settle makes the storage and log directories, and removes the pid and state files and
// the socket of the container's last start.
func (b *Boot) settle() error {
	if err := setup.CreateStorageDirs(b.Config); err != nil {
		return err
	}
	events.Files{PIDDir: b.Config.ProcessPIDDir, StateDir: b.Config.ProcessStateDir, Log: b.Log}.RemoveAll()
	for _, left := range []struct{ variable, path string }{
		{"IMAGE_SUPERVISOR_PIDFILE", b.Config.PIDFile},
		{"IMAGE_SUPERVISOR_SOCKET", b.Config.Socket},
	} {
		if err := os.Remove(left.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot remove %s=%s of a former life: %w%s", left.variable, left.path, err, fsutil.Advice(left.path, err))
		}
	}
	return nil
}
