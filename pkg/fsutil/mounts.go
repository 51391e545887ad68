package fsutil

import (
	"bufio"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// IsMountPoint reports whether something is mounted at path itself, such as a single file
// of a ConfigMap. Nobody can rename or remove it, or rename a file over it.
func IsMountPoint(path string) bool {
	var stat unix.Statx_t
	if unix.Statx(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW|unix.AT_NO_AUTOMOUNT, 0, &stat) != nil {
		return false
	}
	if stat.Attributes_mask&unix.STATX_ATTR_MOUNT_ROOT != 0 {
		return stat.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0
	}
	return MountPoints()[path] // a kernel before Linux 5.8
}

// MountPoints returns the paths of all mount points, from /proc/self/mountinfo
// (see proc(5)); it shows bind mounts of the same file system too. Where /proc is
// not mounted it finds no mount points.
func MountPoints() map[string]bool {
	points := map[string]bool{}
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return points
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) > 4 {
			points[unescapeOctal(fields[4])] = true
		}
	}
	return points
}

// unescapeOctal decodes the blanks, tabs, newlines and backslashes of a path.
func unescapeOctal(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if c, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(c))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
