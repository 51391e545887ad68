package pid1

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/proc"
)

// Exit statuses of a container that ends by itself, but for its main program. They
// are none that a shell, a container engine or our own commands have.
const (
	StatusFatal    = 10 // an essential program is FATAL
	StatusEnded    = 11 // an essential program has ended, and is not started again
	StatusLoops    = 12 // an essential program ends again and again
	StatusRestarts = 13 // restarts by checks do not help
)

// firstPath is where the first process says who it is, and askedPath why another
// process wants the container to end. Every start empties that directory.
func firstPath(runDir string) string { return filepath.Join(runDir, "health", "first") }
func askedPath(runDir string) string { return filepath.Join(runDir, "health", "ending") }

// asked is why another process wants the container to end.
type asked struct {
	Status int    `json:"status"`
	Why    string `json:"why"`
}

// sign says who the first process is.
func sign(runDir string) error {
	self, err := proc.Self()
	if err != nil {
		return err
	}
	data, err := json.Marshal(self)
	if err != nil {
		return err
	}
	return fsutil.Replace(firstPath(runDir), data, 0o644)
}

// Ask has the first process of the container stop everything and end with a status.
// It has to be one of this package.
func Ask(runDir string, status int, why string) error {
	var first proc.ID
	data, err := fsutil.ReadFile(firstPath(runDir))
	if err == nil {
		err = json.Unmarshal(data, &first)
	}
	if err != nil || first.PID <= 0 || !first.Lives() {
		return errors.Join(errors.New("no first process waits to be told that the container is to end"), err)
	}
	if data, err = json.Marshal(asked{status, why}); err != nil {
		return err
	}
	if err := fsutil.Replace(askedPath(runDir), data, 0o600); err != nil {
		return err
	}
	if err := unix.Kill(first.PID, unix.SIGTERM); err != nil {
		return errors.Join(os.NewSyscallError("kill", err), os.Remove(askedPath(runDir)))
	}
	return nil
}

// wasAsked returns the end that another process wants, when one does.
func wasAsked(runDir string) (end, bool) {
	var a asked
	data, err := fsutil.ReadFile(askedPath(runDir))
	if err != nil || json.Unmarshal(data, &a) != nil || a.Status <= 0 {
		return end{}, false
	}
	return end{how: a.Why, code: a.Status}, true
}

// line says why the container ends.
func (e end) line() string {
	if e.code != 0 {
		return fmt.Sprintf("%s: the container ends with status %d", e.how, e.code)
	}
	return e.how + ": the container ends"
}
