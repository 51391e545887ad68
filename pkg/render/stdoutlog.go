package render

import "github.com/ZPascal/container-manager/pkg/supervisorconf"

// StdoutLogProgram is the program that writes the logs of all others to the
// container's standard output.
const StdoutLogProgram = "stdout-log"

// addStdoutLogProgram adds that program where it is wanted. supervisord itself is
// silent then, because its own log is followed too, and because it must never wait
// for a reader of standard output. When it has no other place for its log it keeps
// writing to standard output.
func (r *renderer) addStdoutLogProgram(conf *supervisorconf.Conf) {
	if !r.LogStdout {
		return
	}
	if conf.LogFile() != "" {
		conf.Section("supervisord").Set("silent", "true")
	}
	r.addOwnProgram(conf, StdoutLogProgram, "IMAGE_LOG_STDOUT is on",
		"command = container-manager stdout-log",
		"autorestart = true",
		"priority = 1", // first to start and last to stop
		"stopwaitsecs = 5",
	)
}

// HTTPProgram is the program that serves health, metrics and a page.
const HTTPProgram = "http"

// addHTTPProgram adds that program where it is wanted. It starts early, so that it can be
// asked while others start.
func (r *renderer) addHTTPProgram(conf *supervisorconf.Conf) {
	if r.HTTPAddress == "" {
		return
	}
	r.addOwnProgram(conf, HTTPProgram, "IMAGE_HTTP_ADDRESS is set",
		"command = container-manager http-listener",
		"autorestart = true",
		"priority = 2",
		"stopwaitsecs = 5",
	)
}

// addOwnProgram adds a program of the container manager's own, which logs to a file of
// its own, while something is so. Nobody else's program may have its name then.
func (r *renderer) addOwnProgram(conf *supervisorconf.Conf, program, while string, options ...string) {
	name := "program:" + program
	if s := conf.Section(name); s != nil {
		for _, b := range s.Blocks {
			r.problem(b.File.Path, b.Line, "[%s] is the container manager's own program while %s: choose another name", b.Name, while)
		}
	}
	conf.Append(name, append(options,
		"stdout_logfile = NONE",
		"stderr_logfile = %(ENV_SUPERVISOR_LOGS_DIR)s/"+program+".log",
		"stderr_logfile_maxbytes = 1MB",
		"stderr_logfile_backups = 1")...)
}
