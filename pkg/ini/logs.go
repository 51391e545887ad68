package ini

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Log is a log file that supervisord holds.
type Log struct {
	Section string // its name as it stands in the file: program:app
	Process string // of the section, by its own name; supervisord for its own log
	Stream  string // stdout or stderr; "" for supervisord's own
	Path    string // absolute
	Auto    bool   // supervisord makes the name up: Path is a pattern with a *
}

// Key is the option that names the log.
func (l Log) Key() string {
	if l.Stream == "" {
		return "logfile"
	}
	return l.Stream + "_logfile"
}

// Logs returns the log files of the processes that the files declare, as
// supervisord names them, and supervisord's own. Names of the environment are
// those that lookup knows; a log whose path holds another is left out, and so
// are those that are no files of supervisord's: none, syslog and devices.
func Logs(files []*File, lookup func(name string) (string, bool)) []Log {
	merged := mergeSections(files)
	var logs []Log
	for _, s := range merged {
		expand := func(value string) string { return ExpandEnv(value, lookup) }
		switch {
		case s.name == "supervisord":
			path := s.get("logfile", "supervisord.log")
			l := Log{Section: s.name, Process: "supervisord"}
			if l.Path = logPath(ExpandNames(expand(path), nil)); l.Path != "" {
				logs = append(logs, l)
			}
		case s.isProgram():
			logs = append(logs, s.logs(merged, expand)...)
		}
	}
	return logs
}

// section is what supervisord makes of all sections with one name: of an option
// that stands there twice, the later counts.
type section struct {
	name  string
	parts []Section
}

func mergeSections(files []*File) []section {
	var merged []section
	for _, f := range files {
		for _, s := range f.Sections {
			at := slices.IndexFunc(merged, func(m section) bool { return m.name == s.Name })
			if at < 0 {
				at = len(merged)
				merged = append(merged, section{name: s.Name})
			}
			merged[at].parts = append(merged[at].parts, s)
		}
	}
	return merged
}

func (s section) isProgram() bool { return s.parts[0].IsProgram() }

func (s section) get(key, otherwise string) string {
	for _, part := range slices.Backward(s.parts) {
		if value, _, ok := part.Get(key); ok {
			return value
		}
	}
	return otherwise
}

// logs returns the logs of a program's processes.
func (s section) logs(all []section, expand func(string) string) []Log {
	_, program, _ := strings.Cut(s.parts[0].ID(), ":")
	number := func(key string, otherwise int) int {
		n, err := strconv.Atoi(expand(s.get(key, "")))
		if err != nil {
			return otherwise
		}
		return n
	}
	count, start := number("numprocs", 1), number("numprocs_start", 0)
	names := map[string]any{
		"program_name": program, "group_name": groupOf(all, program, expand), "numprocs": count,
	}
	if host, err := os.Hostname(); err == nil {
		names["host_node_name"] = host
	}
	streams := []string{"stdout", "stderr"}
	if isTrue(expand(s.get("redirect_stderr", "false"))) {
		streams = streams[:1]
	}
	var logs []Log
	for n := start; n < start+count; n++ {
		names["process_num"] = n
		process := ExpandNames(expand(s.get("process_name", "%(program_name)s")), names)
		for _, stream := range streams {
			l := Log{Section: s.name, Process: process, Stream: stream}
			value := s.get(l.Key(), "auto")
			if l.Auto = strings.EqualFold(value, "auto"); l.Auto {
				l.Path = autoPattern(all, process, stream, expand)
			} else {
				l.Path = logPath(ExpandNames(expand(value), names))
			}
			if l.Path != "" {
				logs = append(logs, l)
			}
		}
	}
	return logs
}

// groupOf is the group that a program is put in, else the program itself.
func groupOf(all []section, program string, expand func(string) string) string {
	for _, s := range all {
		if group, ok := strings.CutPrefix(s.name, "group:"); ok {
			for name := range strings.SplitSeq(expand(s.get("programs", "")), ",") {
				if strings.TrimSpace(name) == program {
					return strings.TrimSpace(group)
				}
			}
		}
	}
	return program
}

// autoPattern matches the file that supervisord makes for a process whose log has
// no name.
func autoPattern(all []section, process, stream string, expand func(string) string) string {
	dir, identifier := os.TempDir(), "supervisor"
	for _, s := range all {
		if s.name == "supervisord" {
			dir = ExpandNames(expand(s.get("childlogdir", dir)), nil)
			identifier = ExpandNames(expand(s.get("identifier", identifier)), nil)
		}
	}
	return logPath(filepath.Join(dir, process+"-"+stream+"---"+identifier+"-*.log"))
}

// logPath is the absolute path of a log, or "" when there is no file or its name
// is not known.
func logPath(value string) string {
	switch strings.ToLower(value) {
	case "", "none", "off", "syslog":
		return ""
	}
	path, err := filepath.Abs(value)
	if err != nil || strings.Contains(path, "%(") || strings.HasPrefix(path, "/dev/") || strings.HasPrefix(path, "/proc/") {
		return ""
	}
	return path
}

// isTrue takes what supervisord takes for true.
func isTrue(value string) bool {
	return slices.Contains([]string{"yes", "true", "on", "1"}, strings.ToLower(value))
}

// ExpandNames expands supervisord's own names, such as `%(process_num)02d`, and
// %%. Others stay.
func ExpandNames(value string, names map[string]any) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(value, "%")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		if after, escaped := strings.CutPrefix(rest, "%"); escaped {
			b.WriteByte('%')
			value = after
			continue
		}
		text, after, ok := expandName(rest, names)
		if !ok {
			text, after = "%", rest
		}
		b.WriteString(text)
		value = after
	}
}

// expandName expands what stands behind a percent sign: (process_num)02d.
func expandName(s string, names map[string]any) (text, after string, ok bool) {
	name, rest, closed := strings.Cut(strings.TrimPrefix(s, "("), ")")
	value, known := names[name]
	format := rest[:len(rest)-len(strings.TrimLeft(rest, "-+ 0123456789"))]
	after = rest[len(format):]
	if !closed || !known || s[0] != '(' || after == "" || !strings.Contains("sdi", after[:1]) {
		return "", "", false
	}
	if _, isNumber := value.(int); isNumber {
		return fmt.Sprintf("%"+format+"d", value), after[1:], true
	}
	return fmt.Sprintf("%"+format+"s", value), after[1:], true
}
