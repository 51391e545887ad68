package config

import (
	"bufio"
	"cmp"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// SavedPath is where a container's environment is saved below its IMAGE_RUN_DIR.
func SavedPath(runDir string) string { return filepath.Join(runDir, "env") }

// unsaved are names that describe a process rather than the container, and names
// that bash does not let anybody assign to: as sh, it ends at such a line.
var unsaved = map[string]bool{
	"HOSTNAME": true, "SHLVL": true, "HOME": true, "TERM": true, "PWD": true, "OLDPWD": true, "_": true,
	"UID": true, "EUID": true, "PPID": true, "BASHOPTS": true, "SHELLOPTS": true, "BASH_VERSINFO": true,
}

// inQuotes escapes what sh expands between double quotes.
var inQuotes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "`", "\\`")

// FormatEnviron writes an environment so that `sh` can source it and the lines
// can be read one by one: NAME="value", sorted, values with newlines last.
// Names that no shell can assign to are left out: sh would run such a line as a
// command.
func FormatEnviron(environ []string) []byte {
	type entry struct {
		name, value string
		lines       bool
	}
	entries, size := make([]entry, 0, len(environ)), 0
	for _, e := range environ {
		name, value, _ := strings.Cut(e, "=")
		if !unsaved[name] && IsName(name) {
			entries = append(entries, entry{name, value, strings.Contains(value, "\n")})
			size += len(e) + len("\"\"\n")
		}
	}
	slices.SortFunc(entries, func(a, b entry) int {
		if a.lines != b.lines {
			if a.lines {
				return 1
			}
			return -1
		}
		return cmp.Compare(a.name, b.name)
	})
	saved := make([]byte, 0, size)
	for _, e := range entries {
		value := e.value
		if strings.ContainsAny(value, "\\\"$`") {
			value = inQuotes.Replace(value)
		}
		saved = append(saved, e.name...)
		saved = append(saved, '=', '"')
		saved = append(saved, value...)
		saved = append(saved, '"', '\n')
	}
	return saved
}

// ParseEnviron reads what FormatEnviron wrote. Anything else in it is passed
// over: the file is for shells first.
func ParseEnviron(r io.Reader) map[string]string {
	environ := map[string]string{}
	in := bufio.NewReader(r)
	for {
		head, err := in.ReadString('=')
		if err != nil {
			return environ
		}
		name := strings.TrimSuffix(head, "=")
		if i := strings.LastIndexByte(name, '\n'); i >= 0 {
			name = name[i+1:]
		}
		if quote, err := in.ReadByte(); err != nil || quote != '"' {
			_, _ = in.ReadString('\n')
			continue
		}
		value, ok := unquote(in)
		if ok && IsName(name) {
			environ[name] = value
		}
	}
}

// readSaved reads a saved environment, as far as its owner is to be trusted: below
// /tmp anybody may have been first. Root's and this user's own is. Root also takes
// that of a container which runs as another user, without what acts by itself.
func readSaved(path string) map[string]string {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil
	}
	defer f.Close()
	var stat unix.Stat_t
	if unix.Fstat(int(f.Fd()), &stat) != nil || stat.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil
	}
	me := os.Geteuid()
	trusted := stat.Uid == 0 || int(stat.Uid) == me
	if !trusted && me != 0 {
		return nil
	}
	saved := ParseEnviron(f)
	if !trusted {
		maps.DeleteFunc(saved, func(name, _ string) bool { return actsByItself(name) })
	}
	return saved
}

// actsByItself reports whether the loader, a shell or Python runs something for
// the sake of a variable, or runs something else.
func actsByItself(name string) bool {
	return strings.HasPrefix(name, "LD_") || strings.HasPrefix(name, "PYTHON") ||
		slices.Contains([]string{"BASH_ENV", "ENV", "PATH", "IFS"}, name)
}

// unquote reads up to the closing double quote.
func unquote(in *bufio.Reader) (string, bool) {
	var b strings.Builder
	for {
		c, err := in.ReadByte()
		if err != nil {
			return "", false
		}
		switch c {
		case '"':
			return b.String(), true
		case '\\':
			if c, err = in.ReadByte(); err != nil {
				return "", false
			}
		}
		b.WriteByte(c)
	}
}

// IsName reports whether a shell can assign to name.
func IsName(name string) bool {
	for i, c := range []byte(name) {
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}
