package fsutil

import (
	"bufio"
	"os"
	"strconv"
	"strings"
)

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
