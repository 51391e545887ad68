package boot

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/fsutil"
)

// lockedMode is what everything below IMAGE_BASE_DIR gets: files too, because
// child images ship programs without execute bits and rely on it.
const lockedMode = 0o555

// lockDown revokes write permission below IMAGE_BASE_DIR. Links are not
// followed, mount points are not entered, and a read-only file system needs no
// locking. Only what differs is changed.
func (b *Boot) lockDown() error {
	base, err := filepath.EvalSymlinks(b.Config.BaseDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // no tree, nothing to lock
	}
	if err != nil {
		return err
	}
	if base == "/" {
		return errors.New("IMAGE_BASE_DIR=/ is the whole system: name the directory of the image tree")
	}
	var stat unix.Statfs_t
	if unix.Statfs(base, &stat) == nil && stat.Flags&unix.ST_RDONLY != 0 {
		return nil
	}
	w := walk{changes: b.Listen, keep: []identity{identify(b.Config.SecretsDir), identify(b.Config.TemplatesDir)}, skip: b.writable()}
	if err := w.entry(unix.AT_FDCWD, base, base, false); err != nil {
		return err
	}
	if w.foreign > 0 {
		b.Log.Warn().Msgf("%d files below %s belong to other users and can be written by this one (uid %d), for example %s: give them to it, or take that permission away",
			w.foreign, b.Config.BaseDir, os.Geteuid(), w.example)
	}
	return nil
}

// writable returns the directories that programs write to. They lie in the image
// tree where a user has put everything below one private directory.
func (b *Boot) writable() []identity {
	c := b.Config
	var ids []identity
	dirs := []string{
		c.RunDir, c.StorageBaseDir, c.BackupDir, c.ConfDir, c.DataDir, c.FilebeatDir, c.FilebeatRegDir,
		c.LogsDir, c.SupervisorLogs, c.TemplatesTarget, c.ProcessPIDDir, c.ProcessStateDir, filepath.Dir(c.Socket), filepath.Dir(c.PIDFile),
	}
	slices.Sort(dirs)
	for _, dir := range slices.Compact(dirs) {
		ids = append(ids, identify(dir))
	}
	return ids
}

// identity identifies a directory, by any path that leads to it. The zero value stands
// for a directory that does not exist.
type identity struct {
	major, minor uint32
	inode        uint64
}

func identify(path string) identity {
	var stat unix.Statx_t
	if unix.Statx(unix.AT_FDCWD, path, 0, unix.STATX_INO, &stat) != nil {
		return identity{}
	}
	return identityOf(&stat)
}

func identityOf(stat *unix.Statx_t) identity {
	return identity{stat.Dev_major, stat.Dev_minor, stat.Ino}
}

// walk goes through a tree by the descriptors of its directories, so that a
// path need not be looked up again for every file.
type walk struct {
	changes func() // called before something is changed: copying a large tree up takes long

	keep   []identity // directories whose files keep all but their write bits
	skip   []identity
	mounts map[string]bool // for kernels that do not tell a mount point by statx(2)

	foreign int    // other users' files that we may write
	example string // one of them
}

// entry locks the file or directory called name in dir, and everything below it.
// Messages call it path.
func (w *walk) entry(dir int, name, path string, keep bool) error {
	var stat unix.Statx_t
	err := unix.Statx(dir, name, unix.AT_SYMLINK_NOFOLLOW|unix.AT_NO_AUTOMOUNT, unix.STATX_MODE|unix.STATX_INO, &stat)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EACCES) {
		return nil // removed in the meantime, or in a directory that we may only list
	}
	if err != nil {
		return &fs.PathError{Op: "statx", Path: path, Err: err}
	}
	if dir != unix.AT_FDCWD && w.isMountPoint(path, &stat) {
		return nil
	}
	switch stat.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		id := identityOf(&stat)
		if dir != unix.AT_FDCWD && slices.Contains(w.skip, id) {
			return nil
		}
		keep = keep || id != identity{} && slices.Contains(w.keep, id)
		if err := w.below(dir, name, path, keep); err != nil {
			return err
		}
	case unix.S_IFREG:
	default:
		return nil
	}
	return w.lock(dir, name, path, uint32(stat.Mode)&0o7777, keep)
}

// below locks what lies in a directory.
func (w *walk) below(dir int, name, path string, keep bool) error {
	open := func() (int, error) {
		return unix.Openat(dir, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	}
	fd, err := open()
	if errors.Is(err, unix.EACCES) {
		w.changes()
		if unix.Fchmodat(dir, name, lockedMode, 0) == nil {
			fd, err = open() // ours, but not readable
		}
	}
	if errors.Is(err, unix.EACCES) || errors.Is(err, unix.ENOENT) {
		return nil // another user's, or removed in the meantime
	}
	if err != nil {
		return &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	names, err := fsutil.Names(fd)
	if errors.Is(err, unix.ENOENT) {
		return nil // removed in the meantime
	}
	if err != nil {
		return &fs.PathError{Op: "getdents", Path: path, Err: err}
	}
	for _, name := range names {
		if err := w.entry(fd, name, path+"/"+name, keep); err != nil {
			return err
		}
	}
	return nil
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

func (w *walk) lock(dir int, name, path string, mode uint32, keep bool) error {
	wanted := uint32(lockedMode)
	if keep {
		wanted = mode &^ 0o222
	}
	if mode == wanted {
		return nil
	}
	w.changes()
	err := unix.Fchmodat(dir, name, wanted, 0)
	switch {
	case errors.Is(err, unix.EROFS), errors.Is(err, unix.ENOENT):
		return nil
	case errors.Is(err, unix.EPERM):
		// Another user's. If we may not write it either, that is all we wanted.
		if unix.Faccessat(dir, name, unix.W_OK, unix.AT_EACCESS) == nil {
			w.foreign++
			w.example = path
		}
		return nil
	case err != nil:
		return fmt.Errorf("cannot change the mode of %s: %w", path, err)
	}
	return nil
}
