package cli

import (
	"cmp"
	"strings"
	"time"
	"unicode"

	"github.com/abrander/go-supervisord"

	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/supervisor"
	"github.com/ZPascal/container-manager/pkg/supervisorlog"
)

// tailLines and tailBytes bound what is shown of a log, and mostTails of how many.
const (
	tailLines = 5
	tailBytes = 2048
	mostTails = 5
)

// tellTails shows the last lines of programs that are not up: the reason is there, such as
// a port that is in use.
func tellTails(l log.Logger, runDir, logFile string, processes []supervisord.ProcessInfo, since time.Time) {
	told := 0
	for _, p := range processes {
		if doesNotStayUp(runDir, p) == "" && !hasFailed(p) {
			continue
		}
		if told++; told > mostTails {
			return
		}
		name := supervisor.Name(p)
		of := log.Named(l, name)
		for _, line := range tail(cmp.Or(p.StderrLogfile, p.StdoutLogfile), since) {
			of.Error().Msg(line)
		}
		// The record of ends may be late: the event listener starts beside the programs.
		if last, known := supervisorlog.LastOf(logFile, p.Name); known && last.ExitStatus() == 0 {
			l.Error().Msgf("%s ends with exit status 0: if it goes into the background, run it in the foreground", name)
		}
	}
}

func hasFailed(p supervisord.ProcessInfo) bool {
	return p.State == supervisord.StateFatal || p.State == supervisord.StateBackoff || p.State == supervisord.StateExited && supervisor.IsRestless(p)
}

// tail returns the last lines of a log that was written since the container's start. An
// older one tells of a former life.
func tail(path string, since time.Time) []string {
	data, changed, err := fsutil.Tail(path, tailBytes)
	if err != nil || changed.Before(since.Truncate(time.Second)) {
		return nil
	}
	var lines []string
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(strings.Map(printable, line)); line != "" {
			lines = append(lines, line)
		}
	}
	return lines[max(0, len(lines)-tailLines):]
}

func printable(c rune) rune {
	if unicode.IsControl(c) && c != '\t' {
		return -1
	}
	return c
}
