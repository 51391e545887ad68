// Package fsutil holds what the standard library leaves out of dealing with
// files: whole writes, locks, and the modes of a tree.
package fsutil

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// WriteFile writes a file so that it is either the old or the new one, whole,
// after a crash of the machine too: beside, synced, renamed, and the directory
// synced. The mode is exactly perm; the umask takes nothing away.
func WriteFile(path string, data []byte, perm fs.FileMode) error {
	return replace(path, data, perm, true)
}

// Replace is WriteFile without the syncs: whole for every reader and after a
// kill, for files that the next start makes anew.
func Replace(path string, data []byte, perm fs.FileMode) error {
	return replace(path, data, perm, false)
}

// Update is Replace for a file that mostly stays as it is: when content and mode are as
// wanted it is not touched, which costs a fraction of a rename. A file that is missing
// is written in place: nobody reads it yet, and when a kill leaves half of it, the next
// Update replaces it.
func Update(path string, data []byte, perm fs.FileMode) error {
	switch same, err := is(path, data, perm); {
	case errors.Is(err, fs.ErrNotExist):
		return create(path, data, perm)
	case same:
		return nil
	}
	return Replace(path, data, perm)
}

// Renew is Update for a file that others may read while it is missing: it always writes
// beside, and renames.
func Renew(path string, data []byte, perm fs.FileMode) error {
	if same, _ := is(path, data, perm); same {
		return nil
	}
	return Replace(path, data, perm)
}

func create(path string, data []byte, perm fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return cannot("write", path, filepath.Dir(path), err)
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Chmod(perm), f.Close()); err != nil {
		_ = os.Remove(path)
		return cannot("write", path, path, err)
	}
	return nil
}

func replace(path string, data []byte, perm fs.FileMode, sync bool) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*")
	if err != nil {
		return cannot("write", path, dir, err)
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
			err = cannot("write", path, path, err)
		}
	}()
	if _, err = f.Write(data); err != nil {
		return err
	}
	if err = f.Chmod(perm); err != nil {
		return err
	}
	if sync {
		if err = f.Sync(); err != nil {
			return err
		}
	}
	if err = f.Close(); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	if sync {
		return SyncDir(dir)
	}
	return nil
}

// Overwrite writes into a file that is there, and no link. It needs no room beside
// the file, but a reader may for a moment see a part of both contents.
func Overwrite(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return cannot("write", path, path, err)
	}
	_, err = f.WriteAt(data, 0) // the old content is cut off after: the room may be somebody else's by then
	if err == nil {
		err = f.Truncate(int64(len(data)))
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return cannot("write", path, path, err)
	}
	return nil
}

// RemoveFile removes a file; one that is missing, or a directory, stays as it is.
func RemoveFile(path string) error {
	switch err := unix.Unlink(path); err {
	case nil, unix.ENOENT, unix.EISDIR:
		return nil
	default:
		return &fs.PathError{Op: "remove", Path: path, Err: err}
	}
}

// SyncDir makes the names in a directory survive a crash of the machine.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	return errors.Join(err, d.Close())
}

// Symlink makes path a link to target. It replaces a file or link at once, so that
// there is always something at path.
func Symlink(target, path string) error {
	if old, err := os.Readlink(path); err == nil && old == target {
		return nil
	}
	tmp := fmt.Sprintf("%s.%d.tmp", path, os.Getpid())
	_ = os.Remove(tmp)
	if err := os.Symlink(target, tmp); err != nil {
		return cannot("link", path, filepath.Dir(path), err)
	}
	if err := os.Rename(tmp, path); err != nil {
		_ = os.Remove(tmp)
		return cannot("link", path, path, err)
	}
	return nil
}

// cannot returns an error that names the file itself, because the error of the system
// names a temporary file that nobody knows. at is the directory in which the reason
// lies: there a new file could not be made.
func cannot(verb, path, at string, err error) error {
	return fmt.Errorf("cannot %s %s: %w%s", verb, path, Cause(err), Advice(at, err))
}

// Cause is an error of package os without its operation and path, for messages
// that name the file themselves.
func Cause(err error) error {
	var pathErr *fs.PathError
	var linkErr *os.LinkError
	switch {
	case errors.As(err, &pathErr):
		return pathErr.Err
	case errors.As(err, &linkErr):
		return linkErr.Err
	}
	return err
}
