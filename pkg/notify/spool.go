package notify

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/scriptdir"
)

// Webhook is the built-in script, which posts events to IMAGE_NOTIFY_URL.
const Webhook = "webhook.py"

// maxSpool is how many events may wait. More are counted, and not kept.
const maxSpool = 100

const (
	suffix   = ".json"
	lostName = "lost"
	toldName = "told"
	lockName = "lock"
)

// Dir is the spool.
func Dir(runDir string) string { return filepath.Join(runDir, "notify") }

// Scripts returns the scripts that are called with each event, in their order.
func Scripts(c config.Config) ([]scriptdir.File, error) {
	files, err := scriptdir.Find(c.NotifyDir)
	return slices.DeleteFunc(files, func(f scriptdir.File) bool {
		return f.Empty || f.Builtin && f.Name == Webhook && c.NotifyURL == ""
	}), err
}

// Prepare is for the start: it makes the spool when there is a script to call, and removes
// it when there is none. Events that a former life has not told stay, except programs that
// were FATAL: a shutdown makes programs FATAL too.
func Prepare(c config.Config) error {
	scripts, err := Scripts(c)
	dir := Dir(c.RunDir)
	if err != nil || len(scripts) == 0 {
		if _, missing := os.Lstat(dir); missing == nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("nobody will be notified: %w%s", err, fsutil.Advice(c.RunDir, err))
	}
	entries, err := os.ReadDir(dir)
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasPrefix(name, ".") || strings.Contains(name, "-"+string(ProgramFatal)+".") {
			err = errors.Join(err, os.Remove(filepath.Join(dir, name)))
		}
	}
	return err
}

// Send puts an event into the spool. It does nothing where nobody is to be told, and
// never waits.
func Send(runDir string, e Event) error {
	dir := Dir(runDir)
	waiting, err := pending(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err == nil && len(waiting) >= maxSpool:
		return countLost(dir)
	case err == nil:
		err = spool(dir, e)
	}
	if err != nil {
		return fmt.Errorf("nobody is notified that %s: %w", e.What, err)
	}
	return nil
}

func spool(dir string, e Event) error {
	if e.When.IsZero() {
		e.When = time.Now()
	}
	data, err := json.Marshal(e.tidy())
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%020d-%d-%s%s", time.Now().UnixNano(), os.Getpid(), e.Kind, suffix)
	// Root's events are for a user who may not read root's files; nobody else gets past
	// the directory.
	return fsutil.Replace(filepath.Join(dir, name), append(data, '\n'), 0o644)
}

// Pending reports whether an event waits to be told.
func Pending(runDir string) bool {
	names, _ := pending(Dir(runDir))
	return len(names) > 0
}

// pending returns the names of the events that wait, the oldest first.
func pending(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	var names []string
	for _, entry := range entries {
		if name := entry.Name(); strings.HasSuffix(name, suffix) && !strings.HasPrefix(name, ".") {
			names = append(names, name)
		}
	}
	return names, err
}

// countLost counts an event that there is no room for. The size of a file is the number.
func countLost(dir string) error {
	f, err := os.OpenFile(filepath.Join(dir, lostName), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return err
	}
	defer f.Close()
	const most = 1 << 20
	if info, err := f.Stat(); err != nil || info.Size() >= most {
		return err
	}
	_, err = f.Write([]byte{'.'})
	return err
}

// lost returns how many events were lost.
func lost(dir string) int {
	info, err := os.Stat(filepath.Join(dir, lostName))
	if err != nil {
		return 0
	}
	return int(info.Size())
}

// forgetLost takes n from that number, once somebody has been told.
func forgetLost(dir string, n int) {
	if n > 0 {
		_ = os.Truncate(filepath.Join(dir, lostName), int64(max(0, lost(dir)-n)))
	}
}
