package render

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/ZPascal/container-manager/pkg/ini"
)

// lookedUp are the options that supervisord 4 looks up, by kind of section, and
// so expands: in others a % means nothing. Of an [rpcinterface] it takes all.
// See supervisor/options.py.
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

var programOptions = []string{
	"priority", "autostart", "autorestart", "startsecs", "startretries", "stopsignal", "stopwaitsecs", "stopasgroup", "killasgroup",
	"exitcodes", "redirect_stderr", "numprocs", "numprocs_start", "environment", "serverurl", "user", "umask", "process_name",
	"directory", "command",
	"stdout_logfile", "stdout_logfile_backups", "stdout_logfile_maxbytes", "stdout_syslog", "stdout_capture_maxbytes", "stdout_events_enabled",
	"stderr_logfile", "stderr_logfile_backups", "stderr_logfile_maxbytes", "stderr_syslog", "stderr_capture_maxbytes", "stderr_events_enabled",
}

func isLookedUp(kind, key string) bool {
	return kind == "rpcinterface" || slices.Contains(lookedUp[kind], key)
}

// ownNames are the names besides ENV_* that supervisord can expand, and whether
// they are numbers.
var ownNames = map[string]bool{
	"here": false, "host_node_name": false, "program_name": false, "group_name": false, "process_num": true, "numprocs": true,
}

// checkINI reports what supervisord could not expand and directories that are
// missing: it would end with status 2, and name neither file nor line.
// supervisordEnv are the names that [supervisord] adds to the environment.
func (r *renderer) checkINI(f *ini.File, supervisordEnv map[string]bool) {
	r.checkLines(f)
	for _, s := range f.Sections {
		kind := s.Kind()
		extra := maps.Clone(supervisordEnv)
		addEnvironment(s, extra)
		for _, o := range s.Options {
			if !isLookedUp(kind, o.Key) {
				continue
			}
			for _, p := range o.Parts {
				r.checkPercent(f, o.Key, p, extra)
			}
		}
		switch {
		case kind == "supervisord":
			r.checkDir(f, s, "logfile", filepath.Dir)
			r.checkDir(f, s, "pidfile", filepath.Dir)
			r.checkDir(f, s, "childlogdir", filepath.Clean)
			r.checkDir(f, s, "directory", filepath.Clean)
		case s.IsProgram():
			for _, key := range []string{"stdout_logfile", "stderr_logfile"} {
				r.checkDir(f, s, key, filepath.Dir)
				r.checkExpandedTwice(f, s, key)
			}
		}
	}
}

// checkLines reports lines that are no configuration.
func (r *renderer) checkLines(f *ini.File) {
	for _, p := range f.Stray {
		if len(f.Sections) == 0 || p.Line < f.Sections[0].Line {
			r.problem(f.Path, p.Line, "%q stands before any section: begin with one, such as [program:app]", p.Text)
			continue
		}
		r.problem(f.Path, p.Line, "%q is neither a [section] nor an option (name = value), nor does it continue the one above: that takes blanks in front", p.Text)
	}
}

// checkCommands reports programs without a command, wherever their sections
// stand: supervisord makes one of sections with one name.
func (r *renderer) checkCommands(files []*ini.File) {
	has := map[string]bool{}
	for _, f := range files {
		for _, s := range f.Sections {
			if _, _, ok := s.Get("command"); ok {
				has[s.Name] = true
			}
		}
	}
	for _, f := range files {
		for _, s := range f.Sections {
			if s.IsProgram() && !has[s.Name] {
				r.problem(f.Path, s.Line, "[%s] has no command: add what to run (command = ...)", s.Name)
				has[s.Name] = true // one is enough
			}
		}
	}
}

// assignment is a name and its value in an environment option, as Python's shlex
// takes them apart. Most starts need it not once, and can do without its cost.
var assignment = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`([^\s=,"']+)\s*=\s*(?:"[^"]*"|'[^']*'|[^\s,"']*)`)
})

// addEnvironment adds the names that a section's environment option sets.
func addEnvironment(s ini.Section, names map[string]bool) {
	value, _, ok := s.Get("environment")
	if !ok {
		return
	}
	for _, match := range assignment().FindAllStringSubmatch(value, -1) {
		names[match[1]] = true
	}
}

// cutConversion takes off what Python wants behind a name in parentheses, up to
// the letter that says as what the value is written. There is none when as is "".
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

func (r *renderer) checkPercent(f *ini.File, key string, p ini.Part, extra map[string]bool) {
	for rest := p.Text; ; {
		at := strings.IndexByte(rest, '%')
		if at < 0 {
			return
		}
		rest = rest[at+1:]
		switch {
		case strings.HasPrefix(rest, "%"):
			rest = rest[1:]
		case strings.HasPrefix(rest, "("):
			name, after, closed := strings.Cut(rest[1:], ")")
			if !closed {
				r.problem(f.Path, p.Line, "%s: %%(%s is not closed", key, name)
				return
			}
			known := r.checkName(f, key, p, name, extra)
			as, after := cutConversion(after)
			if known && !converts(name, as) {
				r.problem(f.Path, p.Line, "%s: %%(%s) must be followed by an s: %%(%s)s", key, name, name)
			}
			rest = after
		default:
			r.problem(f.Path, p.Line, "%s: a single %% must be written %%%%", key)
		}
	}
}

// converts reports whether Python can write the value of a name in this way.
func converts(name, as string) bool {
	return as != "" && (strings.Contains("sra%", as) || ownNames[name] && strings.Contains("dioxXuceEfFgG", as))
}

// checkName reports whether supervisord knows the name.
func (r *renderer) checkName(f *ini.File, key string, p ini.Part, name string, extra map[string]bool) bool {
	variable, isEnv := strings.CutPrefix(name, "ENV_")
	_, set := r.env[variable]
	_, own := ownNames[name]
	switch {
	case isEnv && !set && !extra[variable]:
		r.problem(f.Path, p.Line, "%s: the environment variable %s is not set: set it, empty if need be (ENV %s=\"\" in the Dockerfile)", key, variable, variable)
	case !isEnv && !own:
		r.problem(f.Path, p.Line, "%s: %%(%s)s is no name that supervisord knows: write %%(ENV_%s)s for an environment variable", key, name, name)
	default:
		return true
	}
	return false
}

// checkDir reports that the directory that dir finds in the value is missing.
func (r *renderer) checkDir(f *ini.File, s ini.Section, key string, dir func(string) string) {
	value, line, ok := s.Get(key)
	path := r.expandEnv(value)
	if !ok || !filepath.IsAbs(path) || strings.Contains(path, "%(") {
		return
	}
	path = dir(strings.ReplaceAll(path, "%%", "%"))
	if !r.isDir(path) {
		r.problem(f.Path, line, "%s: the directory %s does not exist: create it in a run.always step", key, path)
	}
}

// isDir looks once at the directory that most programs log to.
func (r *renderer) isDir(path string) bool {
	is, known := r.isDirs[path]
	if !known {
		info, err := os.Stat(path)
		is = err == nil && info.IsDir()
		r.isDirs[path] = is
	}
	return is
}

// checkExpandedTwice reports a % that is left of a log file's name once it has
// been expanded: supervisord expands it again, and ends.
func (r *renderer) checkExpandedTwice(f *ini.File, s ini.Section, key string) {
	value, line, _ := s.Get(key)
	for _, own := range []string{"%(here)s", "%(host_node_name)s", "%(program_name)s", "%(group_name)s"} {
		value = strings.ReplaceAll(value, own, "")
	}
	once := ini.ExpandEnv(value, func(name string) (string, bool) {
		v, ok := r.env[name]
		return v, ok && strings.Contains(v, "%")
	})
	if once != value || strings.Contains(once, "%%") {
		r.problem(f.Path, line, "%s: supervisord cannot write to a file with a %% in its path (%s): choose another", key, strings.ReplaceAll(r.expandEnv(value), "%%", "%"))
	}
}

// expandEnv expands what is known before supervisord runs; other names stay.
func (r *renderer) expandEnv(value string) string {
	return ini.ExpandEnv(value, r.lookup)
}

func (r *renderer) lookup(name string) (string, bool) {
	value, ok := r.env[name]
	return value, ok
}
