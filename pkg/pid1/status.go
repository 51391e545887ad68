package pid1

import (
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/supervisorlog"
)

// exitFailed is the exit status of a container whose main program failed when the
// program's own status is unknown or 0.
const exitFailed = 1

// status is the exit status of the container.
func (p Init) status(log supervisorlog.Mark, main end, supervisord unix.WaitStatus) int {
	switch {
	case main.code != 0:
		return main.code
	case p.Program == "":
		return exitStatus(supervisord)
	}
	_, process, qualified := strings.Cut(p.Program, ":")
	if !qualified {
		process = p.Program
	}
	last, known := supervisorlog.LastEnd(log.Read(), process)
	status := last.ExitStatus()
	switch {
	case !known && main.status > 0:
		status = main.status
	case !known && main.status < 0:
		p.Log.Error().Msgf("a signal ended %s, and supervisord's log %s does not tell which", p.Program, p.LogFile)
		status = exitFailed
	case !known && main == end{}: // supervisord ended before the program did anything
		status = exitStatus(supervisord)
	}
	if main.failed && status == 0 {
		status = exitFailed
	}
	return status
}

func exitStatus(s unix.WaitStatus) int {
	if s.Signaled() {
		return 128 + int(s.Signal())
	}
	return s.ExitStatus()
}
