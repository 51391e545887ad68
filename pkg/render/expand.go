package render

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/ZPascal/container-manager/pkg/startorder"
	"github.com/ZPascal/container-manager/pkg/supervisorconf"
)

// lookedUp are the options that supervisord 4 reads, and so expands, by kind of section.
// In other options a % means nothing. It reads all options of an [rpcinterface]. See
// supervisor/options.py.
var lookedUp = map[string][]string{
	"supervisord": {
		"minfds", "minprocs", "directory", "user", "umask", "logfile", "logfile_maxbytes", "logfile_backups", "loglevel",
		"pidfile", "identifier", "nodaemon", "silent", "childlogdir", "nocleanup", "strip_ansi", "environment",
	},
	"include":          {"files"},
	"group":            {"programs", "priority"},
	"unix_http_server": {"file", "chmod", "chown", "username", "password"},
	"inet_http_server": {"port", "username", "password"},
	"program":          programOptions,
	"eventlistener":    append([]string{"buffer_size", "events", "result_handler"}, programOptions...),
	"fcgi-program":     append([]string{"socket", "socket_backlog", "socket_owner", "socket_mode"}, programOptions...),
}

// programOptions are supervisord's, and those of the start order.
var programOptions = append(startorder.Keys(), []string{
	"priority", "autostart", "autorestart", "startsecs", "startretries", "stopsignal", "stopwaitsecs", "stopasgroup", "killasgroup",
	"exitcodes", "redirect_stderr", "numprocs", "numprocs_start", "environment", "serverurl", "user", "umask", "process_name",
	"directory", "command",
	"stdout_logfile", "stdout_logfile_backups", "stdout_logfile_maxbytes", "stdout_syslog", "stdout_capture_maxbytes", "stdout_events_enabled",
	"stderr_logfile", "stderr_logfile_backups", "stderr_logfile_maxbytes", "stderr_syslog", "stderr_capture_maxbytes", "stderr_events_enabled",
}...)

func isLookedUp(kind, key string) bool {
	return kind == "rpcinterface" || slices.Contains(lookedUp[kind], key)
}

// ownNames are the names besides ENV_* that supervisord can expand, and whether
// they are numbers.
var ownNames = map[string]bool{
	"here": false, "host_node_name": false, "program_name": false, "group_name": false, "process_num": true, "numprocs": true,
}

// checkConf reports what supervisord could not read or expand, programs without a
// command, and directories that are missing: supervisord would end with status 2, and
// name neither file nor line.
func (r *renderer) checkConf(conf *supervisorconf.Conf) {
	for _, f := range conf.Files {
		r.checkLines(f)
	}
	for _, s := range conf.Sections {
		if _, ok := s.Get("command"); !ok && s.IsProgram() {
			r.problemAt(s, "command", "[%s] has no command: add what to run (command = ...)", s.Name)
		}
		r.checkOptions(conf, s)
	}
}

// checkLines reports lines that are no configuration.
func (r *renderer) checkLines(f *supervisorconf.File) {
	for _, p := range f.Stray {
		if len(f.Blocks) == 0 || p.Line < f.Blocks[0].Line {
			r.problem(f.Path, p.Line, "%q stands before any section: begin with one, such as [program:app]", p.Text)
			continue
		}
		r.problem(f.Path, p.Line, "%q is neither a [section] nor an option (name = value), nor does it continue the one above: that takes blanks in front", p.Text)
	}
}

func (r *renderer) checkOptions(conf *supervisorconf.Conf, s *supervisorconf.Section) {
	environment := s.Environment()
	for _, o := range s.Options() {
		r.warnOfSwallowed(s, o)
		if !isLookedUp(s.Kind(), o.Key) {
			r.warnOfUnknown(s, o)
			continue
		}
		r.warnOfShell(s, o)
		r.warnOfBackground(s, o)
		check := percentCheck{r, o, func(variable string) bool {
			_, set := conf.Lookup(variable)
			_, own := environment[variable]
			return set || own
		}}
		expands := true
		for _, p := range o.Parts {
			expands = check.part(p) && expands
		}
		switch {
		case s.IsProgram() && expands && slices.Contains(booleans, o.Key):
			r.checkBoolean(conf, o)
		case s.Kind() == "supervisord" && (o.Key == "logfile" || o.Key == "pidfile"):
			r.checkDir(conf, o, filepath.Dir)
		case s.Kind() == "supervisord" && (o.Key == "childlogdir" || o.Key == "directory"):
			r.checkDir(conf, o, filepath.Clean)
		case s.IsProgram() && (o.Key == "stdout_logfile" || o.Key == "stderr_logfile"):
			r.checkDir(conf, o, filepath.Dir)
			if expands {
				r.checkExpandedTwice(conf, o)
			}
		}
	}
}

// booleans are the options of programs that supervisord wants to be true or false.
var booleans = []string{"autostart", "redirect_stderr", "stopasgroup", "killasgroup", startorder.PluginKey}

// checkBoolean reports a value that is neither true nor false. It passes over values with
// names that only supervisord can expand.
func (r *renderer) checkBoolean(conf *supervisorconf.Conf, o supervisorconf.Option) {
	value := conf.Expand(o.Value())
	words := []string{"true", "yes", "on", "1", "false", "no", "off", "0"}
	if slices.Contains(words, strings.ToLower(value)) || strings.Contains(value, "%(") {
		return
	}
	r.problem(o.Block.File.Path, o.Parts[0].Line, "%s is %q: expected one of %s", o.Key, value, strings.Join(words, ", "))
}

// cutConversion cuts off what follows a name in parentheses, up to the letter that tells
// Python how to write the value. as is that letter, "" when there is none.
func cutConversion(s string) (as, after string) {
	const digits = "0123456789"
	rest := strings.TrimLeft(strings.TrimLeft(s, "-#0 +"), digits)
	if precision, ok := strings.CutPrefix(rest, "."); ok {
		rest = strings.TrimLeft(precision, digits)
	}
	if rest != "" && strings.Contains("hlL", rest[:1]) {
		rest = rest[1:]
	}
	if rest == "" || rest[0] != '%' && !unicode.IsLetter(rune(rest[0])) {
		return "", s
	}
	return rest[:1], rest[1:]
}

// percentCheck reports what supervisord could not expand in an option.
type percentCheck struct {
	*renderer
	option supervisorconf.Option
	isSet  func(variable string) bool
}

func (c percentCheck) problem(p supervisorconf.Part, format string, args ...any) {
	c.renderer.problem(c.option.Block.File.Path, p.Line, c.option.Key+": "+format, args...)
}

// part checks a part of the value, and reports whether it can be expanded.
func (c percentCheck) part(p supervisorconf.Part) bool {
	ok := true
	for rest := p.Text; ; {
		at := strings.IndexByte(rest, '%')
		if at < 0 {
			return ok
		}
		rest = rest[at+1:]
		switch {
		case strings.HasPrefix(rest, "%"):
			rest = rest[1:]
		case strings.HasPrefix(rest, "("):
			name, after, closed := strings.Cut(rest[1:], ")")
			if !closed {
				c.problem(p, "%%(%s is not closed", name)
				return false
			}
			known := c.name(p, name)
			as, after := cutConversion(after)
			if known && !converts(name, as) {
				c.problem(p, "%%(%s) must be followed by an s: %%(%s)s", name, name)
				known = false
			}
			rest, ok = after, ok && known
		default:
			c.problem(p, "a single %% must be written %%%%")
			ok = false
		}
	}
}

// converts reports whether Python can write the value of a name in this way.
func converts(name, as string) bool {
	return as != "" && (strings.Contains("sra%", as) || ownNames[name] && strings.Contains("dioxXuceEfFgG", as))
}

// name reports whether supervisord knows the name.
func (c percentCheck) name(p supervisorconf.Part, name string) bool {
	variable, isEnv := strings.CutPrefix(name, "ENV_")
	_, own := ownNames[name]
	switch {
	case isEnv && !c.isSet(variable):
		c.openProblem(c.option.Block.File.Path, p.Line, "%s: the environment variable %s is not set: set it, empty if need be (ENV %s=\"\" in the Dockerfile)", c.option.Key, variable, variable)
	case !isEnv && !own:
		c.problem(p, "%%(%s)s is no name that supervisord knows: write %%(ENV_%s)s for an environment variable", name, name)
	default:
		return true
	}
	return false
}

// checkDir reports that the directory that dir finds in the value is missing.
func (r *renderer) checkDir(conf *supervisorconf.Conf, o supervisorconf.Option, dir func(string) string) {
	path := conf.Expand(o.Value())
	if !filepath.IsAbs(path) || strings.Contains(path, "%(") {
		return
	}
	if path = dir(path); !r.isDir(path) {
		r.openProblem(o.Block.File.Path, o.Parts[0].Line, "%s: the directory %s does not exist: create it in a run.always step", o.Key, path)
	}
}

// isDir reports whether there is a directory. It remembers the answer, because most
// programs log to the same one.
func (r *renderer) isDir(path string) bool {
	is, known := r.isDirs[path]
	if !known {
		info, err := os.Stat(path)
		is = err == nil && info.IsDir()
		r.isDirs[path] = is
	}
	return is
}

// checkExpandedTwice reports a % that remains in the name of a log file after it was
// expanded. supervisord expands the name again, and ends because of the %.
func (r *renderer) checkExpandedTwice(conf *supervisorconf.Conf, o supervisorconf.Option) {
	leavesPercent := false
	supervisorconf.Replace(o.Value(), func(name, _ string) (string, bool) {
		variable, isEnv := strings.CutPrefix(name, "ENV_")
		value, _ := conf.Lookup(variable)
		leavesPercent = leavesPercent || name == "%" || isEnv && strings.Contains(value, "%")
		return "", true
	})
	if leavesPercent {
		r.problem(o.Block.File.Path, o.Parts[0].Line, "%s: supervisord cannot write to a file with a %% in its path (%s): choose another", o.Key, conf.Expand(o.Value()))
	}
}

func (r *renderer) lookup(name string) (string, bool) {
	value, ok := r.env[name]
	return value, ok
}
