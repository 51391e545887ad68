package web

import (
	"path/filepath"
	"slices"
	"time"

	"github.com/abrander/go-supervisord"
	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/events"
	"github.com/ZPascal/container-manager/pkg/startorder"
	"github.com/ZPascal/container-manager/pkg/stopmark"
	"github.com/ZPascal/container-manager/pkg/supervisor"
)

// signs are the times of what others write when something changes that a verdict depends
// on, in nanoseconds by path. That of a file that is missing is 0.
type signs map[string]int64

// signsOf looks at these files. The event listener writes the state of each program, its
// ends and what waits, the checks write their results, and whoever stops a program a
// mark. Records come and go by renames, which change the time of their directory. State
// files mostly lie in /tmp, whose time changes all the time, so each is looked at itself. all
// is false when one is missing: its process could change, and no file would tell.
func signsOf(c config.Config, processes []supervisord.ProcessInfo) (s signs, all bool) {
	s = signs{}
	records := filepath.Join(c.RunDir, "health")
	for _, dir := range []string{records, filepath.Join(records, "programs"), stopmark.Dir(c.RunDir), filepath.Dir(startorder.Path(c.RunDir))} {
		s[dir] = changed(dir)
	}
	all = true
	states := events.Files{StateDir: c.ProcessStateDir}
	for _, p := range processes {
		path := states.StatePath(p.Name)
		s[path] = changed(path)
		all = all && s[path] != 0
	}
	return s, all
}

// changed costs a microsecond.
func changed(path string) int64 {
	var stat unix.Stat_t
	if unix.Stat(path, &stat) != nil {
		return 0
	}
	return stat.Mtim.Nano()
}

// areSame reports whether nothing has changed since.
func (s signs) areSame() bool {
	for path, before := range s {
		if changed(path) != before {
			return false
		}
	}
	return true
}

// coarse is more than one step of the times of files, which is 10 ms at most.
const coarse = 50 * time.Millisecond

// areOlder reports whether nothing has changed since a time, or just before it: two changes
// within one step of the clock look like one.
func (s signs) areOlder(than time.Time) bool {
	for _, at := range s {
		if at >= than.Add(-coarse).UnixNano() {
			return false
		}
	}
	return true
}

// hasListener reports whether supervisord's event listener runs, by the name that it has
// in the image: without it nobody writes down that a program has ended.
func hasListener(all []supervisord.ProcessInfo) bool {
	return slices.ContainsFunc(supervisor.Select(all, "health"), func(p supervisord.ProcessInfo) bool {
		return p.State == supervisord.StateRunning
	})
}
