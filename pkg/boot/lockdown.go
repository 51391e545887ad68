package boot

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/fsutil"
)

// lockedMode is what everything below IMAGE_BASE_DIR gets: files too, because
// child images ship programs without execute bits and rely on it.
const lockedMode fs.FileMode = 0o555

// lockDown revokes write permission below IMAGE_BASE_DIR. Links are not
// followed, mount points are not entered, and a read-only file system needs no
// locking. What changes needs a system call each, so only what differs does.
func (b *Boot) lockDown() error {
	base, err := filepath.EvalSymlinks(b.Config.BaseDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // no tree, nothing to lock
	}
	if err != nil {
		return err
	}
	var stat unix.Statfs_t
	if unix.Statfs(base, &stat) == nil && stat.Flags&unix.ST_RDONLY != 0 {
		return nil
	}
	w := walk{
		secrets: b.Config.SecretsDir,
		skip:    []string{b.Config.RunDir, b.Config.StorageBaseDir},
	}
	// In the tests these lie below the tree; the walk sees paths without links.
	for i, path := range w.skip {
		w.skip[i] = resolve(path)
	}
	w.secrets = resolve(w.secrets)
	if err := w.tree(base, true, false); err != nil {
		return err
	}
	if n := len(w.foreign); n > 0 {
		b.Log.Warn().Msgf("%d files below %s belong to other users and can be written by this one (uid %d), for example %s: give them to it, or take that permission away",
			n, b.Config.BaseDir, os.Geteuid(), w.foreign[0])
	}
	return nil
}

func resolve(path string) string {
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		return resolved
	}
	return filepath.Clean(path)
}

type walk struct {
	secrets string
	skip    []string
	mounts  map[string]bool // for kernels that do not tell a mount point by statx(2)
	foreign []string        // other users' files that we may write
}

// tree locks path and what is below it.
func (w *walk) tree(path string, root, secret bool) error {
	var stat unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW|unix.AT_NO_AUTOMOUNT, unix.STATX_MODE, &stat)
	if errors.Is(err, unix.ENOENT) {
		return nil // removed in the meantime
	}
	if err != nil {
		return &fs.PathError{Op: "statx", Path: path, Err: err}
	}
	if !root && (w.isMountPoint(path, &stat) || slices.Contains(w.skip, path)) {
		return nil
	}
	secret = secret || path == w.secrets
	switch stat.Mode & unix.S_IFMT {
	case unix.S_IFREG:
	case unix.S_IFDIR:
		entries, err := os.ReadDir(path)
		if err != nil && !errors.Is(err, fs.ErrPermission) {
			return err
		}
		for _, e := range entries {
			if e.Type()&fs.ModeSymlink != 0 {
				continue
			}
			if err := w.tree(path+"/"+e.Name(), false, secret); err != nil {
				return err
			}
		}
	default:
		return nil
	}
	return w.lock(path, uint32(stat.Mode)&0o7777, secret)
}

// isMountPoint asks the kernel, which tells since Linux 5.8.
func (w *walk) isMountPoint(path string, stat *unix.Statx_t) bool {
	if stat.Attributes_mask&unix.STATX_ATTR_MOUNT_ROOT != 0 {
		return stat.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0
	}
	if w.mounts == nil {
		w.mounts = fsutil.MountPoints()
	}
	return w.mounts[path]
}

func (w *walk) lock(path string, mode uint32, secret bool) error {
	wanted := uint32(lockedMode)
	if secret {
		wanted = mode &^ 0o222
	}
	if mode == wanted {
		return nil
	}
	err := unix.Chmod(path, wanted)
	switch {
	case errors.Is(err, unix.EROFS), errors.Is(err, unix.ENOENT):
		return nil
	case errors.Is(err, unix.EPERM):
		// Another user's. If we may not write it either, that is all we wanted.
		if unix.Faccessat(unix.AT_FDCWD, path, unix.W_OK, unix.AT_EACCESS) == nil {
			w.foreign = append(w.foreign, path)
		}
		return nil
	case err != nil:
		return &fs.PathError{Op: "chmod", Path: path, Err: err}
	}
	return nil
}
