package setup

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/log"
)

// pointLink points a link of the image tree at a generated file, also where a
// file took its place, which would go out of date. Where the tree cannot be
// written it stays as it is, with a warning.
func pointLink(l log.Logger, link, target string) error {
	if link == target {
		return nil
	}
	if _, err := os.Stat(filepath.Dir(link)); err != nil {
		return nil // a tree without that directory needs no link in it
	}
	info, err := os.Lstat(link)
	isLink := err == nil && info.Mode()&fs.ModeSymlink != 0
	if err == nil && !isLink && !info.Mode().IsRegular() {
		l.Warn().Msgf("%s is no file that could be replaced by a link to %s: remove it from the image", link, target)
		return nil
	}
	switch linkErr := relink(target, link); {
	case !isReadOnly(linkErr):
		return linkErr
	case err == nil && !isLink:
		l.Warn().Msgf("%s is out of date, and cannot be replaced by a link to %s: the image tree is read-only", link, target)
	default:
		l.Warn().Msgf("%s cannot be pointed at %s: the image tree is read-only", link, target)
	}
	return nil
}

// relink is fsutil.Symlink, also in a directory that an earlier start locked: one
// that belongs to this user is opened for as long as it takes.
func relink(target, link string) error {
	err := fsutil.Symlink(target, link)
	if !errors.Is(err, unix.EACCES) {
		return err
	}
	dir := filepath.Dir(link)
	info, statErr := os.Stat(dir)
	if statErr != nil || info.Mode()&0o200 != 0 {
		return err
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); !ok || int(stat.Uid) != os.Geteuid() {
		return err
	}
	if os.Chmod(dir, info.Mode()|0o200) != nil {
		return err
	}
	return errors.Join(fsutil.Symlink(target, link), os.Chmod(dir, info.Mode()))
}

func isReadOnly(err error) bool {
	return errors.Is(err, unix.EROFS) || errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM)
}

func isFile(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode().IsRegular()
}
