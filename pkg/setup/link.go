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

// hopsName is the base name of the directory in /tmp that the links of our images
// lead through: /image/config/env -> /tmp/container-manager.links/env. A start
// points the second link at IMAGE_RUN_DIR, which works for every user and with a
// read-only image tree. As built, there are files in it, so that no link dangles.
// It belongs to the image's user, because runc takes everybody else's permission to
// write from the directories that it copies from the image to a tmpfs.
const hopsName = "container-manager.links"

// pointLink points a link of the image tree at a generated file. It replaces a file that
// lies in the link's place, because that would go out of date. When it can write neither
// the link nor the second link behind it, it only warns.
func pointLink(l log.Logger, link, target string) error {
	if link == target {
		return nil
	}
	if _, err := os.Stat(filepath.Dir(link)); err != nil {
		return nil // a tree without that directory needs no link in it
	}
	hop, err := os.Readlink(link)
	isHop := err == nil && filepath.Base(filepath.Dir(hop)) == hopsName
	if isHop && pointHop(link, hop, target) {
		return nil
	}
	if isHop && fsutil.IsMountPoint(hop) {
		warnMounted(l, link, target)
		return nil
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
	case err == nil && !isLink && fsutil.IsMountPoint(link):
		warnMounted(l, link, target)
	case err == nil && !isLink:
		l.Warn().Msgf("%s is out of date, and cannot be replaced by a link to %s: the image tree is read-only", link, target)
	case isHop:
		l.Warn().Msgf("%s cannot be pointed at %s: the image tree is read-only, and user %d cannot write to %s: mount an empty tmpfs at /tmp (podman: --tmpfs /tmp:notmpcopyup)",
			link, target, os.Geteuid(), filepath.Dir(hop))
	default:
		l.Warn().Msgf("%s cannot be pointed at %s: the image tree is read-only", link, target)
	}
	return nil
}

// warnMounted is for a file that somebody has mounted over a link of the image tree. The
// container engine follows the link, so the file covers what the link leads to, which nobody
// reads.
func warnMounted(l log.Logger, link, target string) {
	instead := "take the mount away"
	if filepath.Base(link) == "kubernetes" {
		instead = "mount jobs of the crontab over " + link + ".own instead"
	}
	l.Warn().Msgf("a file is mounted over %s, which has to be a link to %s: %s", link, target, instead)
}

// pointHop points a second link at a generated file, and reports whether it could. Its
// directory lies in /tmp, where anybody may have made it. So it must belong to this
// user, to root, or to the owner of the first link, who could replace that link anyway.
func pointHop(link, hop, target string) bool {
	dir := filepath.Dir(hop)
	_ = os.Mkdir(dir, 0o755)
	return takeHops(link, dir) == nil && fsutil.Symlink(target, hop) == nil
}

// takeHops fails unless the directory of the second links can be trusted. A start by
// its owner, or by root, takes everybody else's permission to write there.
func takeHops(link, path string) error {
	dir, err := os.OpenFile(path, unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer dir.Close()
	owner, mode, err := ownerOf(dir.Stat())
	if err != nil {
		return err
	}
	linkOwner, _, err := ownerOf(os.Lstat(link))
	if err != nil {
		return err
	}
	me := os.Geteuid()
	switch {
	case owner != 0 && owner != me && owner != linkOwner:
		return os.ErrPermission
	case owner != me && me == 0:
		return errors.Join(dir.Chown(0, 0), dir.Chmod(0o755))
	case owner == me && mode.Perm() != 0o755:
		return dir.Chmod(0o755)
	}
	return nil
}

func ownerOf(info fs.FileInfo, err error) (uid int, mode fs.FileMode, _ error) {
	if err != nil {
		return 0, 0, err
	}
	return int(info.Sys().(*syscall.Stat_t).Uid), info.Mode(), nil
}

// relink is fsutil.Symlink, also in a directory that an earlier start locked.
func relink(target, link string) error {
	return unlocked(filepath.Dir(link), func() error { return fsutil.Symlink(target, link) })
}

// unlocked changes something in a directory. When an earlier start has locked the
// directory and it belongs to this user, unlocked makes it writable for the time of the
// change.
func unlocked(dir string, change func() error) error {
	err := change()
	if !errors.Is(err, unix.EACCES) {
		return err
	}
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
	return errors.Join(change(), os.Chmod(dir, info.Mode()))
}

// isReadOnly reports whether a change failed because of where the file lies; a
// file that is a mount point is busy.
func isReadOnly(err error) bool {
	return errors.Is(err, unix.EROFS) || errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) || errors.Is(err, unix.EBUSY)
}
