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
	"github.com/ZPascal/container-manager/pkg/supervisor"
	"github.com/ZPascal/container-manager/pkg/supervisorconf"
)

// supervisord reads global.conf and every file that it includes, and edits them. It
// checks the names in `%(ENV_X)s`, and leaves their expansion to supervisord.
func (r *renderer) supervisord() (*supervisorconf.Conf, error) {
	global := filepath.Join(r.SupervisorDir, "global.conf")
	conf, err := supervisorconf.Load(global, r.lookup, include)
	var missing *fs.PathError
	switch {
	case errors.As(err, &missing) && missing.Path == global && errors.Is(err, fs.ErrNotExist):
		return nil, &Error{Problems: []string{fmt.Sprintf(
			"%s does not exist: IMAGE_SUPERVISOR_DIR, which follows IMAGE_BASE_DIR=%s, must name the directory of supervisord's templates", global, r.BaseDir)}}
	case err != nil:
		return nil, fmt.Errorf("cannot read supervisord's configuration: %w", err)
	}
	if err := r.checkNamed(conf); err != nil {
		return nil, err
	}
	r.checkInclude(conf)
	r.checkConf(conf)
	r.checkSections(conf)
	processes := len(conf.Processes())
	for _, s := range conf.Sections {
		r.editSection(s, processes)
	}
	r.restartBackoff(conf)
	return conf, r.startOrder(conf)
}

// addSupervisord adds the rendered files, the global one first.
func (r *renderer) addSupervisord(conf *supervisorconf.Conf) {
	confDir := filepath.Join(r.RunDir, "supervisord", "conf.d")
	r.owns(confDir)
	r.completeGlobal(conf)
	perm := r.expandForClients(conf)
	r.add(SupervisorConf(r.Config), conf.Files[0].String(), perm)
	for _, f := range conf.Files[1:] {
		r.add(r.renderedName(confDir, f.Path), f.String(), perm)
	}
}

// checkNamed returns an error when the image has no program of a name that
// IMAGE_MAIN_PROGRAM or IMAGE_ESSENTIAL_PROGRAMS has.
func (r *renderer) checkNamed(conf *supervisorconf.Conf) error {
	var problems []string
	if main, _, _ := strings.Cut(r.MainProgram, ":"); main != "" && !slices.ContainsFunc([]string{"program:", "fcgi-program:", "group:"}, func(kind string) bool {
		return conf.Section(kind+main) != nil
	}) {
		problems = append(problems, fmt.Sprintf("IMAGE_MAIN_PROGRAM=%q: there is no [program:%s] among supervisord's files in %s", r.MainProgram, main, r.SupervisorDir))
	}
	for _, name := range r.Essential {
		if len(supervisor.Named(conf, name)) == 0 {
			problems = append(problems, fmt.Sprintf("IMAGE_ESSENTIAL_PROGRAMS: there is no program %q among supervisord's files in %s", name, r.SupervisorDir))
		}
	}
	if len(problems) > 0 {
		return &config.Error{Problems: problems}
	}
	return nil
}

// checkInclude reports patterns that no file can match.
func (r *renderer) checkInclude(conf *supervisorconf.Conf) {
	s := conf.Section("include")
	for _, pattern := range strings.Fields(s.Value("files", "")) {
		if _, err := filepath.Match(pattern, ""); err != nil {
			r.problemAt(s, "", "[include] files: %q: %v", pattern, err)
		}
	}
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
func (r *renderer) completeGlobal(conf *supervisorconf.Conf) {
	if s := conf.Section("include"); s != nil {
		s.Set("files", include)
	} else {
		conf.Append("include", "files = "+include)
	}
	// supervisord complains at length when root does not say so.
	if s := conf.Section("supervisord"); s != nil && os.Geteuid() == 0 {
		if _, ok := s.Get("user"); !ok {
			s.Set("user", "root")
		}
	}
	// Beside an [inet_http_server] too: its password may be known as a hash only.
	if conf.Section("unix_http_server") == nil {
		conf.Append("unix_http_server", "file = "+supervisorconf.EscapePercent(r.Socket), "chmod = 0700")
	}
	if conf.Section("supervisorctl") == nil {
		server := conf.Section("unix_http_server")
		socket, _ := server.Get("file")
		options := []string{"serverurl = unix://" + socket}
		for _, key := range []string{"username", "password"} {
			if value, ok := server.Get(key); ok {
				options = append(options, key+" = "+value)
			}
		}
		conf.Append("supervisorctl", options...)
	}
	if conf.Section("rpcinterface:supervisor") == nil {
		conf.Append("rpcinterface:supervisor", "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface")
	}
}

// defaultSocket is the one that global.conf names: supervisorctl reads it without
// the variable that says otherwise.
const defaultSocket = "/tmp/supervisord.sock"

// expandForClients writes values in place of variables in the sections that
// supervisorctl and our own clients read, because their environment may differ from
// supervisord's. A value that cannot be written as it is stays a variable. It returns
// the mode of the files, which may hold a password then.
func (r *renderer) expandForClients(conf *supervisorconf.Conf) fs.FileMode {
	perm := public
	for _, s := range conf.Sections {
		if !slices.Contains([]string{"unix_http_server", "inet_http_server", "supervisorctl", "ctlplugin"}, s.Kind()) {
			continue
		}
		for _, o := range s.Options() {
			before, holds := o.Value(), public
			value := supervisorconf.Replace(before, func(name, conversion string) (string, bool) {
				variable, isEnv := strings.CutPrefix(name, "ENV_")
				value, set := conf.Lookup(variable)
				if variable != "IMAGE_SUPERVISOR_SOCKET" {
					holds = private
				}
				return supervisorconf.EscapePercent(value), isEnv && set && conversion == "s"
			})
			if path := strings.TrimPrefix(value, "unix://"); path == defaultSocket {
				value = strings.TrimSuffix(value, path) + supervisorconf.EscapePercent(r.Socket)
			}
			if value != before && supervisorconf.IsPlain(value) {
				s.Set(o.Key, value)
				perm = min(perm, holds)
			}
		}
	}
	return perm
}

// minEventBuffer and eventsPerProcess are for the size of an event listener's buffer.
// supervisord drops the oldest events of a full buffer. The start of a process makes two
// to four events, and all may come before the listener has answered the first.
const (
	minEventBuffer   = 1024
	eventsPerProcess = 4
)

// editSection sets the options that follow from the environment.
func (r *renderer) editSection(s *supervisorconf.Section, processes int) {
	switch s.ID() {
	case "program:crond":
		s.Set("autostart", fmt.Sprint(bool(r.CronEnabled)))
	case "program:filebeat":
		s.Set("autostart", fmt.Sprint(r.ShipsLogs()))
		r.checkFilebeat(s)
	}
	if s.Kind() == "eventlistener" {
		size := max(minEventBuffer, eventsPerProcess*processes)
		if n, err := strconv.Atoi(s.Value("buffer_size", "")); err != nil || n < size {
			s.Set("buffer_size", fmt.Sprint(size))
		}
	}
	if command, ok := s.Get("command"); ok && s.IsProgram() {
		if rendered := r.entryPoint(s, r.renderedPaths(command)); rendered != command {
			s.Set("command", rendered)
		}
	}
}

// renderedPaths makes a command name rendered files in place of their templates.
func (r *renderer) renderedPaths(command string) string {
	confs := []string{LogrotateConf(r.Config)}
	if r.ShipsLogs() { // otherwise filebeat's is not rendered
		confs = append(confs, FilebeatConf(r.Config))
	}
	for _, conf := range confs {
		name := filepath.Base(conf)
		to := "%(ENV_IMAGE_RUN_DIR)s/logging/" + name // a name, because a value could contain what looks like a comment
		command = strings.ReplaceAll(command, "%(ENV_IMAGE_LOGGING_DIR)s/"+name, to)
		command = strings.ReplaceAll(command, filepath.Join(r.LoggingDir, name), to)
	}
	return command
}

// checkFilebeat reports at the start that filebeat is not installed. Otherwise the
// program would only become FATAL.
func (r *renderer) checkFilebeat(s *supervisorconf.Section) {
	words := strings.Fields(s.Value("command", ""))
	if !r.ShipsLogs() || len(words) == 0 {
		return
	}
	if _, err := exec.LookPath(strings.Trim(words[0], `"'`)); err == nil {
		return
	}
	if r.HasFilebeatOutput() {
		r.problemAt(s, "command", "%s says where to ship logs to, but %s is not installed: install filebeat, or empty the file", r.FilebeatOutput(), words[0])
		return
	}
	r.problemAt(s, "command", "LOGGING_REDIS_HOST is set, but %s is not installed: install filebeat, or unset the variable", words[0])
}
