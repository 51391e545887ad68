package web

import (
	"path/filepath"
	"slices"
	"time"

	"github.com/abrander/go-supervisord"
	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/startorder"
	"github.com/ZPascal/container-manager/pkg/stopmark"
	"github.com/ZPascal/container-manager/pkg/supervisor"
)

// watched are the directories in which others write down what a verdict depends on: the
// event listener each change of a program's state, its ends and what waits, the checks
// their results, and whoever stops a program a mark. All of them write beside and rename,
// which changes the time of the directory.
func watched(c config.Config) []string {
	records := filepath.Join(c.RunDir, "health")
	return []string{
		c.ProcessStateDir, records, filepath.Join(records, "programs"),
		stopmark.Dir(c.RunDir), filepath.Dir(startorder.Path(c.RunDir)),
	}
}

// signs are the times of these directories, in nanoseconds. Those of one that is missing
// are 0.
type signs []int64

// signsOf costs a microsecond a directory.
func signsOf(dirs []string) signs {
	times := make(signs, len(dirs))
	for i, dir := range dirs {
		var stat unix.Stat_t
		if unix.Stat(dir, &stat) == nil {
			times[i] = stat.Mtim.Nano()
		}
	}
	return times
}

// coarse is more than the clock of a file system advances by in one step, which is 10 ms
// at most.
const coarse = 50 * time.Millisecond

// areSettled reports whether a later change would show. Two changes within one step of
// the clock look like one.
func (s signs) areSettled(now time.Time) bool {
	return slices.Max(s) < now.Add(-coarse).UnixNano()
}

// hasListener reports whether supervisord's event listener runs, by the name that it has
// in the image: without it nobody writes down that a program has ended.
func hasListener(all []supervisord.ProcessInfo) bool {
	return slices.ContainsFunc(supervisor.Select(all, "health"), func(p supervisord.ProcessInfo) bool {
		return p.State == supervisord.StateRunning
	})
}
