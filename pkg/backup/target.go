package backup

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/fsutil"
)

// target is how one declared path is put in place. Its new content is unpacked
// on the same file system, so that renames are all it takes. The journal has it
// as JSON.
type target struct {
	Path string `json:"path"` // as the archive has it
	Live string `json:"live"` // what it leads to
	// Stage, Kept and Aside are names that only this restore has, because they
	// end with its token. So a later run can tell which restore a name belongs to.
	Stage string `json:"stage"` // a directory for the new content
	Kept  string `json:"kept"`  // where the former content goes
	Aside string `json:"aside"` // where a take-back puts what it finds in place
	Swaps []swap `json:"swaps"`

	// inside says that the directory itself cannot be renamed, because a file system is
	// mounted there or below, or its parent is not ours: then its content is exchanged.
	inside bool
	as     string // what the new content is called in the stage
	// part says that the path lies below the path of another target and is restored
	// with it. It was a mounted file system when it was backed up, and is not now.
	part bool
}

// What restores put beside the content of declared paths, or into a directory
// that cannot be renamed. A token follows.
const (
	stageMark = ".restore-"        // the new content, until it is put in place
	keptMark  = ".before-restore-" // the former content
	asideMark = ".taken-back-"     // what was in place when a restore was taken back
)

// isOurs reports whether a restore has made a file of this name.
func isOurs(name string) bool { return strings.HasPrefix(name, stageMark) || isKept(name) }

// isKept reports whether a restore has moved content away under this name.
func isKept(name string) bool {
	return strings.Contains(name, keptMark) || strings.Contains(name, asideMark)
}

// isStage reports whether a name is one that restores give to directories for new
// content. The form is strict, so that it does not fit a directory of the app's own.
func isStage(name string) bool {
	token, ok := strings.CutPrefix(name, stageMark)
	if !ok || len(token) < len(stampFormat) {
		return false
	}
	_, err := time.Parse(stampFormat, token[:len(stampFormat)])
	rest := token[len(stampFormat):]
	return err == nil && (rest == "" || rest[0] == '-' && len(rest) == 1+tokenLetters)
}

const tokenLetters = 6

// newToken returns what the names of one restore end with: the time, for people, and
// random letters, because containers that share a volume may restore at the same time.
func newToken(now time.Time) string {
	return now.Format(stampFormat) + "-" + strings.ToLower(rand.Text()[:tokenLetters])
}

// targets plans where the paths of an archive go. Nothing is touched yet.
func (r Runner) targets(paths []string, token string, mounts map[string]bool) ([]target, error) {
	if err := r.undeclared(paths); err != nil {
		return nil, err
	}
	var all []target
	for _, path := range slices.Sorted(slices.Values(paths)) { // outer before inner
		t, err := newTarget(path, token, mounts)
		if err != nil {
			return nil, err
		}
		outer := slices.IndexFunc(all, func(o target) bool { return config.Within(t.Live, o.Live) })
		if outer >= 0 && !mounts[t.Live] {
			o := all[outer]
			t.part, t.Stage, t.as = true, o.Stage, o.as+strings.TrimPrefix(t.Live, o.Live)
		}
		all = append(all, t)
	}
	return all, nil
}

func newTarget(path, token string, mounts map[string]bool) (target, error) {
	t := target{Path: path, Live: path}
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		t.Live = resolved
	} else if !errors.Is(err, fs.ErrNotExist) {
		return t, err
	}
	info, err := os.Lstat(t.Live)
	switch {
	case err == nil:
		stuck := isStuck(t.Live, mounts)
		if stuck && !info.IsDir() {
			return t, fmt.Errorf("%s cannot be replaced: it is a mount point, or the directory that it is in cannot be written", path)
		}
		t.inside = stuck
	case !errors.Is(err, fs.ErrNotExist):
		return t, err
	}
	t.as = filepath.Base(t.Live)
	dir, name := filepath.Dir(t.Live), t.as
	if t.inside {
		dir, name = t.Live, ""
	}
	t.Stage = filepath.Join(dir, stageMark+token)
	t.Kept, t.Aside = filepath.Join(dir, name+keptMark+token), filepath.Join(dir, name+asideMark+token)
	return t, nil
}

// isStuck reports whether something that is there cannot be renamed.
func isStuck(path string, mounts map[string]bool) bool {
	return holdsMount(path, mounts) || !sameDevice(path, filepath.Dir(path)) || unix.Access(filepath.Dir(path), unix.W_OK) != nil
}

// holdsMount reports whether a file system is mounted at path or below.
func holdsMount(path string, mounts map[string]bool) bool {
	for mount := range mounts { // in any order: the first that matches will do
		if config.Within(mount, path) {
			return true
		}
	}
	return false
}

func sameDevice(a, b string) bool {
	var x, y syscall.Stat_t
	return syscall.Stat(a, &x) == nil && syscall.Stat(b, &y) == nil && x.Dev == y.Dev
}

// fresh is the new content, once it is unpacked.
func (t target) fresh() string { return filepath.Join(t.Stage, t.as) }

// checkKind refuses new content that is not of the kind that the path has: a link
// would lead the next restore elsewhere.
func (t target) checkKind() error {
	fresh, err := os.Lstat(t.fresh())
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("holds nothing for %s, which it names", t.Path)
	}
	if err != nil {
		return err
	}
	if !fresh.IsDir() && !fresh.Mode().IsRegular() {
		return fmt.Errorf("holds a %s for %s", kindOf(fresh), t.Path)
	}
	live, err := os.Lstat(t.Live)
	if err == nil && live.IsDir() != fresh.IsDir() {
		return fmt.Errorf("holds a %s for %s, which is a %s", kindOf(fresh), t.Path, kindOf(live))
	}
	return nil
}

func kindOf(info fs.FileInfo) string {
	switch {
	case info.IsDir():
		return "directory"
	case info.Mode().IsRegular():
		return "file"
	case info.Mode().Type() == fs.ModeSymlink:
		return "link"
	}
	return "special file"
}

// isHere reports whether this container sees the target at all. The stage is
// there for as long as the journal is.
func (t target) isHere() bool { return fsutil.Exists(t.Stage) || fsutil.Exists(t.Kept) }

// apply puts the new content in place.
func (t target) apply() error {
	for _, s := range t.Swaps {
		if err := s.do(); err != nil {
			return fmt.Errorf("%w%s", err, fsutil.Advice(s.Live, err))
		}
	}
	return nil
}

// takeBack puts the former content in place, as far as it was moved.
func (t target) takeBack() error {
	for _, s := range slices.Backward(t.Swaps) {
		if err := s.undo(); err != nil {
			return err
		}
	}
	return nil
}
