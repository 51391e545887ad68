package supervisorconf

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Process is a process that supervisord runs, and what its section says of it.
type Process struct {
	Section      *Section
	Group, Name  string
	Autostart    bool
	StartSecs    int // how long it has to run to count as RUNNING
	StopWaitSecs int // how long it may take to stop

	names map[string]any // that its values are expanded with
}

// What supervisord takes where a section says nothing.
const (
	DefaultStartSecs    = 1
	DefaultStopWaitSecs = 10
)

// Processes returns the processes of all programs.
func (c *Conf) Processes() []Process {
	groups := c.groups()
	var processes []Process
	for _, s := range c.Sections {
		if s.IsProgram() {
			processes = append(processes, s.processes(groups)...)
		}
	}
	return processes
}

// groups returns the groups that programs are put in, by program.
func (c *Conf) groups() map[string]string {
	groups := map[string]string{}
	for _, s := range c.Sections {
		if group, ok := strings.CutPrefix(s.ID(), "group:"); ok {
			for name := range strings.SplitSeq(s.Value("programs", ""), ",") {
				groups[strings.TrimSpace(name)] = group
			}
		}
	}
	return groups
}

func (s *Section) processes(groups map[string]string) []Process {
	_, program, _ := strings.Cut(s.ID(), ":")
	group, grouped := groups[program]
	if !grouped || s.Kind() == "eventlistener" {
		group = program
	}
	count, start := max(1, s.number("numprocs", 1)), s.number("numprocs_start", 0)
	processes := make([]Process, count)
	for i := range processes {
		p := Process{
			Section: s, Group: group,
			Autostart: s.IsTrue("autostart", "true"), StartSecs: s.number("startsecs", DefaultStartSecs), StopWaitSecs: s.number("stopwaitsecs", DefaultStopWaitSecs),
			names: map[string]any{"program_name": program, "group_name": group, "numprocs": count, "process_num": start + i},
		}
		p.Name = p.value("process_name", "%(program_name)s")
		processes[i] = p
	}
	return processes
}

func (s *Section) number(key string, otherwise int) int {
	n, err := strconv.Atoi(s.Value(key, ""))
	if err != nil {
		return otherwise
	}
	return n
}

// IsTrue reports whether the value of a key, or the other value, is one that
// supervisord takes for true.
func (s *Section) IsTrue(key, otherwise string) bool {
	return slices.Contains([]string{"yes", "true", "on", "1"}, strings.ToLower(s.Value(key, otherwise)))
}

func (p Process) value(key, otherwise string) string {
	if value, ok := p.Section.Get(key); ok {
		otherwise = value
	}
	return p.Section.conf.expand(otherwise, p.names)
}

// Log is a log file that supervisord holds.
type Log struct {
	Section *Section
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

// Logs returns the log files of all processes and supervisord's own. It leaves out a log
// whose path is not known, and logs that are not files: NONE, syslog and devices.
func (c *Conf) Logs() []Log {
	var logs []Log
	if path := c.LogFile(); path != "" {
		logs = append(logs, Log{Section: c.Section("supervisord"), Process: "supervisord", Path: path})
	}
	for _, p := range c.Processes() {
		for _, stream := range []string{"stdout", "stderr"} {
			l := Log{Section: p.Section, Process: p.Name, Stream: stream}
			value := p.value(l.Key(), "auto")
			if l.Auto = strings.EqualFold(value, "auto"); l.Auto {
				l.Path = c.autoPattern(p.Name, stream)
			} else {
				l.Path = logPath(value)
			}
			if l.Path != "" && (stream == "stdout" || !p.Section.IsTrue("redirect_stderr", "")) {
				logs = append(logs, l)
			}
		}
	}
	return logs
}

// LogFile is supervisord's own log, "" when that is no file.
func (c *Conf) LogFile() string {
	s := c.Section("supervisord")
	if s == nil {
		return ""
	}
	return logPath(s.Value("logfile", "supervisord.log"))
}

// autoPattern matches the file that supervisord makes for a process whose log has
// no name.
func (c *Conf) autoPattern(process, stream string) string {
	s := c.Section("supervisord")
	name := process + "-" + stream + "---" + s.Value("identifier", "supervisor") + "-*.log"
	return logPath(filepath.Join(s.Value("childlogdir", os.TempDir()), name))
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
