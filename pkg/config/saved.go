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

// unsaved are names that describe a process and not the container, and names that bash
// does not assign to: when bash runs as sh, such a line ends it.
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

// ParseEnviron reads what FormatEnviron wrote. It skips anything else, because the file
// is made for shells.
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

// maxSaved is far above what an environment can hold.
const maxSaved = 16 << 20

// readSaved reads a saved environment. Below /tmp anybody may have made the file, so
// both the file and its directory must belong to this user or to root, and be no links.
// For root they may also belong to the user of the container, who runs process 1; then
// PATH is not taken. Variables that make an interpreter run something are never taken.
func readSaved(path string) map[string]string {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil
	}
	defer f.Close()
	var dir, file unix.Stat_t
	if unix.Lstat(filepath.Dir(path), &dir) != nil || dir.Mode&unix.S_IFMT != unix.S_IFDIR || dir.Mode&0o022 != 0 ||
		unix.Fstat(int(f.Fd()), &file) != nil || file.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil
	}
	ours := isOurs(dir.Uid) && isOurs(file.Uid)
	if !ours && !(os.Geteuid() == 0 && isContainers(dir.Uid) && isContainers(file.Uid)) {
		return nil
	}
	saved := ParseEnviron(io.LimitReader(f, maxSaved))
	maps.DeleteFunc(saved, func(name, _ string) bool { return runsSomething(name) || !ours && name == "PATH" })
	return saved
}

func isOurs(uid uint32) bool { return uid == 0 || int(uid) == os.Geteuid() }

// isContainers reports whether a user is the container's, as whom process 1 runs, or
// root.
func isContainers(uid uint32) bool {
	var first unix.Stat_t
	return uid == 0 || unix.Stat("/proc/1", &first) == nil && first.Uid == uid
}

// runsSomething reports whether the loader, a shell or another interpreter runs or
// loads something because of a variable.
func runsSomething(name string) bool {
	for _, prefix := range []string{"LD_", "PYTHON", "PERL5", "RUBY", "BASH_FUNC_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return slices.Contains([]string{
		"BASH_ENV", "ENV", "ZDOTDIR", "IFS", "PS4", "PROMPT_COMMAND", "GCONV_PATH", "GLIBC_TUNABLES",
		"PERLLIB", "NODE_OPTIONS", "NODE_PATH", "NODE_EXTRA_CA_CERTS", "LUA_INIT", "PHPRC", "PHP_INI_SCAN_DIR",
		"JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "GEM_PATH", "GIT_SSH", "GIT_SSH_COMMAND", "RSYNC_RSH",
	}, name)
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
