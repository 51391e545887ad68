package fsutil

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Advice explains why path could not be made or written, as text to put behind an error:
// who owns the nearest directory that exists, who is asking, and what to do about it. It
// is empty for errors that need no explanation.
func Advice(path string, err error) string {
	switch {
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		dir, stat := nearest(path)
		return fmt.Sprintf(" (%s belongs to uid %d, gid %d, mode %04o, and this process runs as uid %d, gid %d: give it to that user, or run as one who may write there)",
			dir, stat.Uid, stat.Gid, stat.Mode&0o7777, os.Geteuid(), os.Getegid())
	case errors.Is(err, unix.EROFS):
		return " (mount a volume or a tmpfs there)"
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		dir, _ := nearest(path)
		return fmt.Sprintf(" (make room on the file system of %s)", dir)
	case errors.Is(err, unix.ENOTDIR):
		dir, _ := nearest(path)
		return fmt.Sprintf(" (%s is no directory)", dir)
	case errors.Is(err, unix.EBUSY):
		return " (something is mounted over this file: take the mount away)"
	}
	return ""
}

// nearest returns path or the first of its parents that exists.
func nearest(path string) (string, unix.Stat_t) {
	var stat unix.Stat_t
	for {
		if unix.Stat(path, &stat) == nil || path == "/" || path == "." {
			return path, stat
		}
		path = filepath.Dir(path)
	}
}
