package render

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/ini"
)

// supervisord reads global.conf and every file that it includes, and edits them.
// `%(ENV_X)s` is left for supervisord to expand, once it is known that it can.
func (r *renderer) supervisord() ([]*ini.File, error) {
	global, err := r.readINI(filepath.Join(r.SupervisorDir, "global.conf"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &Error{Problems: []string{fmt.Sprintf(
			"%s/global.conf does not exist: IMAGE_SUPERVISOR_DIR, which follows IMAGE_BASE_DIR=%s, must name the directory of supervisord's templates", r.SupervisorDir, r.BaseDir)}}
	}
	if err != nil {
		return nil, err
	}
	included, err := r.included(global)
	if err != nil {
		return nil, err
	}
	files := []*ini.File{global}
	for _, path := range included {
		f, err := r.readINI(path)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}

	if err := r.checkMainProgram(files); err != nil {
		return nil, err
	}

	r.checkCommands(files)
	processes := 0
	supervisordEnv := map[string]bool{}
	for _, f := range files {
		for _, s := range f.Sections {
			processes += s.Processes(r.lookup)
			if s.Name == "supervisord" {
				addEnvironment(s, supervisordEnv)
			}
		}
	}
	for _, f := range files {
		r.checkINI(f, supervisordEnv)
		for _, s := range f.Sections {
			r.editSection(f, s, processes)
		}
	}
	r.checkSections(files)
	return files, nil
}

// addSupervisord adds the rendered files, the global one first.
func (r *renderer) addSupervisord(files []*ini.File) {
	confDir := filepath.Join(r.RunDir, "supervisord", "conf.d")
	r.owns(confDir)
	r.completeGlobal(files[0], files)
	r.add(SupervisorConf(r.Config), files[0].String(), public)
	for _, f := range files[1:] {
		r.add(r.renderedName(confDir, f.Path), f.String(), public)
	}
}

// checkMainProgram refuses a main program that there is none of.
func (r *renderer) checkMainProgram(files []*ini.File) error {
	name, _, _ := strings.Cut(r.MainProgram, ":")
	has := func(f *ini.File) bool { return f.Has("program:"+name, "fcgi-program:"+name, "group:"+name) }
	if name == "" || slices.ContainsFunc(files, has) {
		return nil
	}
	return &config.Error{Problems: []string{
		fmt.Sprintf("IMAGE_MAIN_PROGRAM=%q: there is no [program:%s] among supervisord's files in %s", r.MainProgram, name, r.SupervisorDir),
	}}
}

func (r *renderer) readINI(path string) (*ini.File, error) {
	data, err := fsutil.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read supervisord's configuration: %w", err)
	}
	// The rendered copy lies elsewhere, so `here` has to be said.
	return ini.Parse(path, strings.ReplaceAll(string(data), "%(here)s", escapePercent(filepath.Dir(path)))), nil
}

// included returns the files of conf.d, and those that [include] names besides.
func (r *renderer) included(global *ini.File) ([]string, error) {
	files, err := templates(filepath.Join(r.SupervisorDir, "conf.d"), "*.conf")
	if err != nil {
		return nil, err
	}
	for _, s := range global.Sections {
		if s.Name != "include" {
			continue
		}
		value, _, _ := s.Get("files")
		for _, pattern := range strings.Fields(r.expandEnv(value)) {
			if pattern == include {
				continue
			}
			if !filepath.IsAbs(pattern) {
				pattern = filepath.Join(r.SupervisorDir, pattern)
			}
			matches, err := filepath.Glob(pattern)
			if err != nil {
				r.problem(global.Path, s.Line, "[include] files: %q: %v", pattern, err)
			}
			for _, m := range matches {
				if !slices.Contains(files, m) {
					files = append(files, m)
				}
			}
		}
	}
	return files, nil
}

// renderedName keeps a file's name; of two files with one name the second gets
// its directory's in front.
func (r *renderer) renderedName(dir, template string) string {
	path := filepath.Join(dir, filepath.Base(template))
	if filepath.Ext(path) != ".conf" {
		path += ".conf"
	}
	for _, taken := r.out[path]; taken; _, taken = r.out[path] {
		template = filepath.Dir(template)
		path = filepath.Join(dir, filepath.Base(template)+"-"+filepath.Base(path))
	}
	return path
}

// include is relative to global.conf, whose directory supervisord neither
// expands nor splits at blanks.
const include = "conf.d/*.conf"

// completeGlobal points [include] at the rendered files and adds what a
// global.conf of a child image lacks although the container manager needs it.
func (r *renderer) completeGlobal(global *ini.File, files []*ini.File) {
	has := func(names ...string) bool {
		return slices.ContainsFunc(files, func(f *ini.File) bool {
			return f.Has(names...)
		})
	}
	included := false
	for _, s := range global.Sections {
		switch s.Name {
		case "include":
			global.Set(s, "files", include)
			included = true
		case "supervisord":
			// supervisord complains at length when root does not say so.
			if _, _, ok := s.Get("user"); !ok && os.Geteuid() == 0 {
				global.Set(s, "user", "root")
			}
		}
	}
	if !included {
		global.Append("[include]", "files = "+include)
	}
	// Beside an [inet_http_server] too: its password may be known as a hash only.
	if !has("unix_http_server") {
		socket := escapePercent(r.Socket)
		global.Append("[unix_http_server]", "file = "+socket, "chmod = 0700")
		if !has("supervisorctl") {
			global.Append("[supervisorctl]", "serverurl = unix://"+socket)
		}
	}
	if !has("rpcinterface:supervisor") {
		global.Append("[rpcinterface:supervisor]",
			"supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface")
	}
}

// minEventBuffer and eventsPerProcess size an event listener's buffer, of which
// supervisord drops the oldest entries: starting takes a process two to four
// events, all of them before the listener has answered the first.
const (
	minEventBuffer   = 1024
	eventsPerProcess = 4
)

// editSection makes the values that follow from the environment.
func (r *renderer) editSection(f *ini.File, s ini.Section, processes int) {
	switch s.ID() {
	case "program:crond":
		f.Set(s, "autostart", fmt.Sprint(bool(r.CronEnabled)))
	case "program:filebeat":
		f.Set(s, "autostart", fmt.Sprint(r.ShipsLogs()))
		r.checkFilebeat(f, s)
	}
	if s.Kind() == "eventlistener" {
		size := max(minEventBuffer, eventsPerProcess*processes)
		value, _, _ := s.Get("buffer_size")
		if n, err := strconv.Atoi(r.expandEnv(value)); err != nil || n < size {
			f.Set(s, "buffer_size", fmt.Sprint(size))
		}
	}
	if !s.IsProgram() {
		return
	}
	if command, _, ok := s.Get("command"); ok {
		rendered := command
		confs := []string{LogrotateConf(r.Config)}
		if r.ShipsLogs() { // otherwise filebeat's is not rendered
			confs = append(confs, filebeatConf(r.Config))
		}
		for _, conf := range confs {
			name := filepath.Base(conf)
			to := "%(ENV_IMAGE_RUN_DIR)s/logging/" + name // a value may look like a comment, a name's does not
			rendered = strings.ReplaceAll(rendered, "%(ENV_IMAGE_LOGGING_DIR)s/"+name, to)
			rendered = strings.ReplaceAll(rendered, filepath.Join(r.LoggingDir, name), to)
		}
		if rendered != command {
			f.Set(s, "command", rendered)
		}
	}
}

// checkFilebeat says at the start that logs have nowhere to go, instead of a
// program that is FATAL.
func (r *renderer) checkFilebeat(f *ini.File, s ini.Section) {
	command, line, _ := s.Get("command")
	words := strings.Fields(r.expandEnv(command))
	if !r.ShipsLogs() || len(words) == 0 {
		return
	}
	if _, err := exec.LookPath(strings.Trim(words[0], `"'`)); err == nil {
		return
	}
	if r.HasFilebeatOutput() {
		r.problem(f.Path, line, "%s says where to ship logs to, but %s is not installed: install filebeat, or empty the file", r.FilebeatOutput(), words[0])
		return
	}
	r.problem(f.Path, line, "LOGGING_REDIS_HOST is set, but %s is not installed: install filebeat, or unset the variable", words[0])
}

func escapePercent(s string) string { return strings.ReplaceAll(s, "%", "%%") }
