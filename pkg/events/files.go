package events

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/log"
)

// Files are the files that tell scripts about every process:
// supervisor.NAME.state holds RUNNING, STOPPED and the like, and
// supervisor.NAME.pid its process id or -1. They are whole at any time.
type Files struct {
	PIDDir, StateDir string
	Log              log.Logger
}

const (
	prefix      = "supervisor."
	pidSuffix   = ".pid"
	stateSuffix = ".state"
	noPID       = "-1"
)

const statePrefix = "PROCESS_STATE_"

// Handle writes what a PROCESS_STATE event says, and passes over others.
func (f Files) Handle(e Event) {
	state, ok := strings.CutPrefix(e.Name, statePrefix)
	name := e.Payload["processname"]
	if !ok {
		return
	}
	if !isFileName(name) {
		f.Log.Error().Msgf("event %s is about a process without a usable name: %q", e.Name, name)
		return
	}
	pid := noPID
	// For STOPPED and EXITED, supervisord tells the id that the process had before.
	if p := e.Payload["pid"]; p != "" && (state == "RUNNING" || state == "STOPPING") {
		pid = p
	}
	f.write(f.pidPath(name), pid) // first: who reads RUNNING finds the process
	f.write(f.StatePath(name), state)
}

// write puts the file in place. On a full disk it writes into the one that is there.
// When that fails too, it removes the file, because a missing file is better than a
// wrong one.
func (f Files) write(path, content string) {
	err := fsutil.Replace(path, []byte(content), 0o644)
	if err == nil || fsutil.Overwrite(path, []byte(content)) == nil {
		return
	}
	_ = os.Remove(path)
	f.Log.Error().Msg(err.Error())
}

// AddStopped writes the files of a process that supervisord has not started. There is no
// event about such a process, because supervisord reports only changes of state.
func (f Files) AddStopped(name string) {
	if !isFileName(name) {
		return
	}
	f.create(f.StatePath(name), "STOPPED")
	f.create(f.pidPath(name), noPID)
}

// create puts a file in place unless there is one: a link, unlike a rename,
// never takes the place of what an event has just written.
func (f Files) create(path, content string) {
	tmp := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".new")
	defer os.Remove(tmp)
	if err := fsutil.Replace(tmp, []byte(content), 0o644); err != nil {
		f.Log.Error().Msg(err.Error())
		return
	}
	if err := os.Link(tmp, path); err != nil && !os.IsExist(err) {
		f.Log.Error().Msgf("cannot write %s: %v", path, err)
	}
}

// RemoveAll removes the files of the container's last start, and temporary files that a
// kill has left beside them.
func (f Files) RemoveAll() {
	if f.PIDDir == f.StateDir {
		f.remove(f.PIDDir, pidSuffix, stateSuffix)
		return
	}
	f.remove(f.PIDDir, pidSuffix)
	f.remove(f.StateDir, stateSuffix)
}

func (f Files) remove(dir string, suffixes ...string) {
	entries, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		f.Log.Warn().Msgf("cannot look for files of a former life: %v", err)
	}
	for _, entry := range entries {
		file := entry.Name()
		name, temporary := strings.CutPrefix(file, ".")
		name, ours := strings.CutPrefix(name, prefix)
		finished := slices.ContainsFunc(suffixes, func(suffix string) bool { return strings.HasSuffix(name, suffix) })
		if !ours || (!temporary && !finished) {
			continue
		}
		path := filepath.Join(dir, file)
		var pathErr *fs.PathError
		if err := os.Remove(path); errors.As(err, &pathErr) && !os.IsNotExist(err) {
			f.Log.Warn().Msgf("cannot remove %s of a former life: %v", path, pathErr.Err)
		}
	}
}

func (f Files) pidPath(name string) string {
	return filepath.Join(f.PIDDir, prefix+name+pidSuffix)
}

// StatePath is the file with the state of a process.
func (f Files) StatePath(name string) string {
	return filepath.Join(f.StateDir, prefix+name+stateSuffix)
}

func isFileName(name string) bool {
	return name != "" && !strings.ContainsAny(name, "/\x00")
}
