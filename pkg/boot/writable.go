package boot

import (
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/fsutil"
)

// checkWritable says where supervisord and its event listener could not write.
// They themselves would say so late, in many lines, or not at all.
func (b *Boot) checkWritable() error {
	for _, needed := range []struct{ variable, dir string }{
		{"STORAGE_LOGS_DIR", b.Config.LogsDir},
		{"SUPERVISOR_LOGS_DIR", b.Config.SupervisorLogs},
		{"PROCESS_PID_DIR", b.Config.ProcessPIDDir},
		{"PROCESS_STATE_DIR", b.Config.ProcessStateDir},
		{"IMAGE_SUPERVISOR_SOCKET", filepath.Dir(b.Config.Socket)},
		{"IMAGE_SUPERVISOR_PIDFILE", filepath.Dir(b.Config.PIDFile)},
	} {
		if err := unix.Faccessat(unix.AT_FDCWD, needed.dir, unix.W_OK|unix.X_OK, unix.AT_EACCESS); err != nil {
			return fmt.Errorf("cannot write to %s (%s): %w%s", needed.dir, needed.variable, err, fsutil.Advice(needed.dir, err))
		}
	}
	return nil
}
