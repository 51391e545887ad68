package cron

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/log"
)

// watch notices that files were changed and that the clock was set.
type watch struct {
	files []string
	seen  []version
	clock func() reading
	last  reading
}

func newWatch(files []string, clock func() reading) *watch {
	if clock == nil {
		clock = systemClock()
	}
	w := &watch{files: files, seen: make([]version, len(files)), clock: clock, last: clock()}
	for i, file := range files {
		w.seen[i] = versionOf(file)
	}
	return w
}

// version tells one content of a file from another. It is zero when there is no
// file.
type version struct {
	dev, inode uint64
	size       int64
	modified   unix.Timespec
}

func versionOf(file string) version {
	var s unix.Stat_t
	if unix.Stat(file, &s) != nil {
		return version{}
	}
	return version{s.Dev, s.Ino, s.Size, s.Mtim}
}

// changed reports whether there is something new to read. When a file is gone, it only
// logs that.
func (w *watch) changed(l log.Logger) bool {
	changed := false
	for i, file := range w.files {
		now := versionOf(file)
		if now == w.seen[i] {
			continue
		}
		w.seen[i] = now
		if now == (version{}) {
			l.Warn().Msgf("%s is gone: its jobs stay until it is back", file)
			continue
		}
		changed = true
	}
	return changed
}

// reading is a look at two clocks: the one on the wall, which can be set, and the
// time that has gone by since some moment, which cannot.
type reading struct {
	wall    time.Time
	elapsed time.Duration
}

func systemClock() func() reading {
	start := time.Now()
	return func() reading {
		now := time.Now()
		return reading{now.Round(0), now.Sub(start)}
	}
}

// jump returns by how much the clock on the wall was set forward since the last look.
// When the machine slept, it looks the same.
func (w *watch) jump() time.Duration {
	now := w.clock()
	jump := now.wall.Sub(w.last.wall) - (now.elapsed - w.last.elapsed)
	w.last = now
	return jump
}
