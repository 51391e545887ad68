package render

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ZPascal/container-manager/pkg/ini"
)

// supervisord expands these sections; in others a % means nothing.
var expanded = []string{
	"supervisord", "supervisorctl", "include", "group", "program", "eventlistener", "fcgi-program",
	"unix_http_server", "inet_http_server", "rpcinterface", "ctlplugin",
}

// ownNames are the names besides ENV_* that supervisord can expand.
var ownNames = []string{"here", "host_node_name", "program_name", "group_name", "process_num", "numprocs"}

// checkINI reports what supervisord could not expand and log directories that
// are missing: it would end with status 2, and name neither file nor line.
// supervisordEnv are the names that [supervisord] adds to the environment.
func (r *renderer) checkINI(f *ini.File, supervisordEnv map[string]bool) {
	for _, s := range f.Sections {
		if !slices.Contains(expanded, s.Kind()) {
			continue
		}
		extra := map[string]bool{}
		for name := range supervisordEnv {
			extra[name] = true
		}
		addEnvironment(s, extra)
		for _, o := range s.Options {
			for _, p := range o.Parts {
				r.checkPercent(f, o.Key, p, extra)
			}
		}
		for _, key := range []string{"logfile", "stdout_logfile", "stderr_logfile"} {
			r.checkLogDir(f, s, key)
		}
	}
}

// addEnvironment adds the names that a section's environment option sets.
func addEnvironment(s ini.Section, names map[string]bool) {
	value, _, _ := s.Get("environment")
	for _, word := range strings.FieldsFunc(value, func(c rune) bool { return strings.ContainsRune(", \n\t", c) }) {
		if name, _, ok := strings.Cut(word, "="); ok {
			names[name] = true
		}
	}
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
			r.checkName(f, key, p, name, extra)
			rest = after
		default:
			r.problem(f.Path, p.Line, "%s: a single %% must be written %%%%", key)
		}
	}
}

func (r *renderer) checkName(f *ini.File, key string, p ini.Part, name string, extra map[string]bool) {
	variable, isEnv := strings.CutPrefix(name, "ENV_")
	switch _, set := r.env[variable]; {
	case isEnv && !set && !extra[variable]:
		r.problem(f.Path, p.Line, "%s: the environment variable %s is not set: set it, empty if need be (ENV %s=\"\" in the Dockerfile)", key, variable, variable)
	case !isEnv && !slices.Contains(ownNames, name):
		r.problem(f.Path, p.Line, "%s: %%(%s)s is no name that supervisord knows: write %%(ENV_%s)s for an environment variable", key, name, name)
	}
}

func (r *renderer) checkLogDir(f *ini.File, s ini.Section, key string) {
	value, line, ok := s.Get(key)
	path := r.expandEnv(value)
	if !ok || !filepath.IsAbs(path) || strings.Contains(path, "%(") {
		return
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		r.problem(f.Path, line, "%s: the directory %s does not exist: create it in a run.always step", key, filepath.Dir(path))
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
