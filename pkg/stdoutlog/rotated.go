package stdoutlog

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// generation is a log file as rotation has left it: the one that is written to,
// or an older one under another name.
type generation struct {
	path   string
	inode  uint64
	mtime  time.Time
	number int // 1 in app.log.1; 0 is the log itself, noNumber app.log-20240229
}

const noNumber = -1

// packedExt is what logrotate appends to the names of files that it packs.
const packedExt = ".gz"

// settled returns the generations once they stay the same. A rotation renames one
// file after the other, so that a list that is made meanwhile misses one or has
// it twice.
func settled(path string) []generation { return settle(path, false) }

func settle(path string, packed bool) []generation {
	const attempts = 50 // one rotation is some renames
	last := listed(path, packed)
	for range attempts {
		all := listed(path, packed)
		if slices.EqualFunc(all, last, generation.isSame) {
			return all
		}
		last = all
	}
	return last
}

// isSame does not look at the time, which changes while a log is written to.
func (g generation) isSame(other generation) bool {
	return g.path == other.path && g.inode == other.inode
}

// generations returns what there is of a log, the oldest first. Packed files are
// left out: they are older than anything that has not been read.
func generations(path string) []generation { return listed(path, false) }

// listed is generations, with the packed files where packed says so.
func listed(path string, packed bool) []generation {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil
	}
	var all []generation
	numbered := true
	for _, e := range entries {
		rest, ok := strings.CutPrefix(e.Name(), filepath.Base(path))
		if packed {
			rest = strings.TrimSuffix(rest, packedExt)
		}
		number, isGeneration := generationNumber(rest)
		if !ok || !isGeneration {
			continue
		}
		g := generation{path: filepath.Join(filepath.Dir(path), e.Name()), number: number}
		info, err := os.Stat(g.path)
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		g.inode, g.mtime = inodeOf(info), info.ModTime()
		numbered = numbered && number != noNumber
		all = append(all, g)
	}
	slices.SortFunc(all, func(a, b generation) int {
		switch {
		case a.number == 0:
			return 1
		case b.number == 0:
			return -1
		case numbered:
			return b.number - a.number
		}
		return a.mtime.Compare(b.mtime)
	})
	return all
}

// generationNumber reads what a rotated file has behind the log's name: .1, or a date.
func generationNumber(rest string) (number int, ok bool) {
	if rest == "" {
		return 0, true
	}
	if n, err := strconv.Atoi(strings.TrimPrefix(rest, ".")); err == nil && rest[0] == '.' && n > 0 && n < 100_000 {
		return n, true
	}
	isDate := (rest[0] == '-' || rest[0] == '.') && len(rest) > 4 && strings.Trim(rest[1:], "0123456789-") == ""
	return noNumber, isDate
}

// younger returns the generations that follow the file with the inode. When that file
// was deleted or packed, it returns those that were written to since.
func younger(all []generation, inode uint64, since time.Time) []generation {
	if i := slices.IndexFunc(all, func(g generation) bool { return g.inode == inode }); i >= 0 {
		return all[i+1:]
	}
	return slices.DeleteFunc(all, func(g generation) bool { return g.number != 0 && g.mtime.Before(since) })
}

func inodeOf(info os.FileInfo) uint64 { return info.Sys().(*syscall.Stat_t).Ino }

func modified(path string) time.Time {
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}
