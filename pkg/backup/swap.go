package backup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/fsutil"
)

// swap is two renames: the former content goes from Live to Kept, the new one from Fresh
// to Live. The names that are there tell how far it has come, and nothing else records
// it. So it can be interrupted and repeated at any point.
type swap struct {
	Live  string `json:"live"`
	Kept  string `json:"kept,omitempty"`  // empty: there was nothing before
	Fresh string `json:"fresh,omitempty"` // empty: the archive has nothing of this name
	Aside string `json:"aside"`           // where undo puts what it finds at Live
}

func (s swap) do() error {
	if s.Kept != "" {
		if err := move(s.Live, s.Kept); err != nil {
			return err
		}
	}
	if s.Fresh == "" {
		return nil
	}
	return move(s.Fresh, s.Live)
}

// undo moves the former content back. What it finds at Live has been in place, so
// it is moved aside and never removed.
func (s swap) undo() error {
	kept, err := isThere(s.Kept)
	if err != nil {
		return err
	}
	if kept {
		if err := s.setAside(); err != nil {
			return err
		}
		return move(s.Kept, s.Live)
	}
	if s.Kept != "" {
		return nil // not begun, or undone already
	}
	if done, err := s.isNewInPlace(); err != nil || !done {
		return err
	}
	return s.setAside()
}

// isNewInPlace reports whether new content is at Live where nothing was before:
// it has left the stage, and was not set aside yet.
func (s swap) isNewInPlace() (bool, error) {
	stage, err := isThere(filepath.Dir(s.Fresh))
	if err != nil || !stage {
		return false, err
	}
	for _, elsewhere := range []string{s.Fresh, s.Aside} {
		if there, err := isThere(elsewhere); err != nil || there {
			return false, err
		}
	}
	return true, nil
}

// setAside vacates Live. An empty directory just goes: there is nothing to keep.
func (s swap) setAside() error {
	there, err := isThere(s.Live)
	if err != nil || !there || unix.Rmdir(s.Live) == nil {
		return err
	}
	aside := s.Aside
	for i := 2; fsutil.Exists(aside); i++ {
		aside = fmt.Sprintf("%s-%d", s.Aside, i)
	}
	return move(s.Live, aside)
}

// isThere reports whether a path exists. Unlike exists it returns an error of the disk,
// because a take-back that took it for "not there" would lose data.
func isThere(path string) (bool, error) {
	if path == "" {
		return false, nil
	}
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return false, nil
	}
	return err == nil, err
}

// move renames, and replaces nothing. The directory that it renames into is made
// if need be.
func move(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) { // a file system, or a kernel, that cannot
		if err = unix.EEXIST; !fsutil.Exists(to) {
			err = unix.Rename(from, to)
		}
	}
	switch {
	case errors.Is(err, unix.EEXIST):
		return fmt.Errorf("cannot put %s in place: something is there", to)
	case err != nil:
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	return nil
}

// plan lists the renames that put the new content in place.
func (t *target) plan(mounts map[string]bool) (err error) {
	switch {
	case t.part:
	case t.inside:
		t.Swaps, err = exchange(t.Live, t.fresh(), t.Kept, t.Aside, mounts)
	case fsutil.Exists(t.Live):
		t.Swaps = []swap{{Live: t.Live, Kept: t.Kept, Fresh: t.fresh(), Aside: t.Aside}}
	default:
		t.Swaps = []swap{{Live: t.Live, Fresh: t.fresh(), Aside: t.Aside}}
	}
	return err
}

// exchange plans how the content of a directory that cannot be renamed is replaced by
// that of another one. An entry that is a mount point stays as it is. A directory with a
// mount point below it cannot be renamed either, so its content is exchanged in turn.
func exchange(live, fresh, kept, aside string, mounts map[string]bool) ([]swap, error) {
	old, err := entryNames(live)
	if err != nil {
		return nil, err
	}
	renewed, err := entryNames(fresh)
	if err != nil {
		return nil, err
	}
	isNew := map[string]bool{}
	for _, name := range renewed {
		isNew[name] = true
	}
	var swaps []swap
	isOld := map[string]bool{}
	for _, name := range old {
		isOld[name] = true
		s := swap{Live: filepath.Join(live, name), Kept: filepath.Join(kept, name), Aside: filepath.Join(aside, name)}
		if isNew[name] {
			s.Fresh = filepath.Join(fresh, name)
		}
		if !holdsMount(s.Live, mounts) {
			swaps = append(swaps, s)
			continue
		}
		if mounts[s.Live] || !isDir(s.Live) || !isDir(s.Fresh) {
			continue
		}
		below, err := exchange(s.Live, s.Fresh, s.Kept, s.Aside, mounts)
		if err != nil {
			return nil, err
		}
		swaps = append(swaps, below...)
	}
	for _, name := range renewed {
		if !isOld[name] {
			swaps = append(swaps, swap{Live: filepath.Join(live, name), Fresh: filepath.Join(fresh, name), Aside: filepath.Join(aside, name)})
		}
	}
	return swaps, nil
}

func isDir(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.IsDir()
}

// entryNames lists a directory, without what restores have put there and what
// belongs to the file system itself.
func entryNames(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if !isOurs(e.Name()) && e.Name() != "lost+found" {
			names = append(names, e.Name())
		}
	}
	return names, nil
}
