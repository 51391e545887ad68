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
	const name = "program:" + StdoutLogProgram
	if s := conf.Section(name); s != nil {
		for _, b := range s.Blocks {
			r.problem(b.File.Path, b.Line, "[%s] is the container manager's own program while IMAGE_LOG_STDOUT is on: choose another name", b.Name)
		}
	}
	if conf.LogFile() != "" {
		conf.Section("supervisord").Set("silent", "true")
	}
	conf.Append(name,
		"command = container-manager stdout-log",
		"autorestart = true",
		"priority = 1", // first to start and last to stop
		"stopwaitsecs = 5",
		"stdout_logfile = NONE",
		"stderr_logfile = %(ENV_SUPERVISOR_LOGS_DIR)s/"+StdoutLogProgram+".log",
		"stderr_logfile_maxbytes = 1MB",
		"stderr_logfile_backups = 1")
}
