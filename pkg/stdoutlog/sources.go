package stdoutlog

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/render"
	"github.com/ZPascal/container-manager/pkg/supervisorconf"
)

// Source is a log to follow.
type Source struct {
	Program string // process of supervisord that it is of, several with commas
	Stream  string // stdout or stderr; stdout where both go to one file
	Path    string

	auto bool // Path is a pattern: supervisord makes the name up at its start
}

// Sources returns the logs that supervisord's configuration names: those of all
// programs, and supervisord's own. The standard output of an event listener is its
// protocol and left out.
func Sources(conf *supervisorconf.Conf) []Source {
	var sources []Source
	at := map[string]int{}
	for _, l := range conf.Logs() {
		if l.Process == render.StdoutLogProgram || l.Section.Kind() == "eventlistener" && l.Stream == "stdout" {
			continue
		}
		if i, shared := at[l.Path]; shared {
			s := &sources[i]
			if !slices.Contains(strings.Split(s.Program, ","), l.Process) {
				s.Program += "," + l.Process
			}
			continue
		}
		at[l.Path] = len(sources)
		stream := l.Stream
		if stream == "" {
			stream = "stdout"
		}
		sources = append(sources, Source{Program: l.Process, Stream: stream, Path: l.Path, auto: l.Auto})
	}
	return sources
}

// resolve finds the files whose names supervisord has made up. It has made them
// before it started any program.
func resolve(sources []Source) []Source {
	var resolved []Source
	for _, s := range sources {
		if s.auto {
			matches, _ := filepath.Glob(s.Path)
			if len(matches) == 0 {
				continue
			}
			s.Path = slices.MaxFunc(matches, func(a, b string) int { return modified(a).Compare(modified(b)) })
		}
		resolved = append(resolved, s)
	}
	return resolved
}

// Begin records where the logs end before supervisord starts. So lines of an earlier
// start are not written again, and no line of this one is left out.
func Begin(c config.Config, conf *supervisorconf.Conf) error {
	var records []record
	for _, s := range Sources(conf) {
		if s.auto {
			continue
		}
		r := record{path: s.Path}
		if info, err := os.Stat(s.Path); err == nil && info.Mode().IsRegular() {
			r.inode, r.offset = inodeOf(info), info.Size()
		}
		records = append(records, r)
	}
	return writeRecords(PositionsPath(c), records)
}

// PositionsPath is the file that says how far each log has been written.
func PositionsPath(c config.Config) string {
	return filepath.Join(c.RunDir, "logging", "stdout.positions")
}
