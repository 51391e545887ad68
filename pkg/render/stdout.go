package render

import (
	"slices"

	"github.com/ZPascal/container-manager/pkg/ini"
)

// StdoutProgram is the program that writes the logs of all others to the
// container's standard output.
const StdoutProgram = "stdout-log"

// addStdoutProgram adds that program where it is wanted. supervisord itself is
// silent then: its own log is one of those that are followed, and it must never
// wait for whoever reads standard output.
func (r *renderer) addStdoutProgram(files []*ini.File) {
	if !r.LogStdout {
		return
	}
	for _, f := range files {
		for _, s := range f.Sections {
			if s.ID() == "program:"+StdoutProgram {
				r.problem(f.Path, s.Line, "[%s] is the container manager's own program while IMAGE_LOG_STDOUT is on: choose another name", s.Name)
			}
		}
	}
	r.silence(files)
	files[0].Append("[program:"+StdoutProgram+"]",
		"command = container-manager follow",
		"autorestart = true",
		"priority = 1", // first to start and last to stop
		"stopwaitsecs = 5",
		"stdout_logfile = NONE",
		"stderr_logfile = %(ENV_SUPERVISOR_LOGS_DIR)s/"+StdoutProgram+".log",
		"stderr_logfile_maxbytes = 1MB",
		"stderr_logfile_backups = 1")
	files[0] = ini.Parse(files[0].Path, files[0].String()) // who rotates its log is yet to be seen
}

// silence keeps supervisord from writing its log to standard output too, unless
// it has no other place for it.
func (r *renderer) silence(files []*ini.File) {
	logs := ini.Logs(files, r.lookup)
	if !slices.ContainsFunc(logs, func(l ini.Log) bool { return l.Section == "supervisord" }) {
		return
	}
	var file *ini.File
	var last ini.Section
	for _, f := range files {
		for _, s := range f.Sections {
			if s.Name == "supervisord" {
				file, last = f, s
			}
		}
	}
	file.Set(last, "silent", "true")
}
