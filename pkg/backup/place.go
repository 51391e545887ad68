package backup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/fsutil"
)

// placement is how one declared path is put in place. Its new content is
// unpacked on the same file system, so that renames are all it takes.
type placement struct {
	path   string // as the archive has it
	target string // what it leads to
	// inside says that the directory itself cannot be renamed, because a file
	// system is mounted there or below, or its parent is not ours: then what is
	// in it is exchanged.
	inside bool
	stage  string // a directory for the new content
	as     string // what the new content is called there
	kept   string // where the former content goes
	// part says that the path is in that of another placement, as a directory
	// like any other, although it was a file system when it was backed up.
	part bool
}

// move is a rename. Keep moves take former content away, others put new content
// in its place.
type move struct {
	From string `json:"from"`
	To   string `json:"to"`
	Keep bool   `json:"keep,omitempty"`
}

// placements plans where the paths of an archive go. Nothing is touched yet.
func (r Runner) placements(paths []string, now time.Time, mounts map[string]bool) ([]placement, error) {
	if err := r.undeclared(paths); err != nil {
		return nil, err
	}
	var all []placement
	for _, path := range slices.Sorted(slices.Values(paths)) { // outer before inner
		p, err := newPlacement(path, mounts)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	for !nameAll(all, now.Format(stampFormat), mounts) {
		now = now.Add(time.Second)
	}
	return all, nil
}

// nameAll gives all directories their names, and reports whether they are free.
func nameAll(all []placement, stamp string, mounts map[string]bool) bool {
	free := true
	for i := range all {
		p := &all[i]
		p.name(stamp)
		outer := slices.IndexFunc(all[:i], func(q placement) bool { return config.Within(p.target, q.target) })
		if outer >= 0 && !mounts[p.target] {
			q := all[outer]
			p.part, p.stage, p.as = true, q.stage, q.as+strings.TrimPrefix(p.target, q.target)
			continue
		}
		free = free && !exists(p.stage) && !exists(p.kept)
	}
	return free
}

func newPlacement(path string, mounts map[string]bool) (placement, error) {
	p := placement{path: path, target: path}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		p.target = real
	} else if !errors.Is(err, fs.ErrNotExist) {
		return p, err
	}
	info, err := os.Lstat(p.target)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return p, err
	}
	stuck := holdsMount(p.target, mounts) || !sameDevice(p.target, filepath.Dir(p.target)) ||
		unix.Access(filepath.Dir(p.target), unix.W_OK) != nil
	if stuck && !info.IsDir() {
		return p, fmt.Errorf("%s cannot be replaced: it is a mount point, or the directory that it is in cannot be written", path)
	}
	p.inside = stuck
	return p, nil
}

// name names the directories beside the target.
func (p *placement) name(stamp string) {
	p.as = filepath.Base(p.target)
	if p.inside {
		p.stage, p.kept = filepath.Join(p.target, stageMark+stamp), filepath.Join(p.target, keptMark+stamp)
	} else {
		p.stage, p.kept = filepath.Join(filepath.Dir(p.target), stageMark+stamp), p.target+keptMark+stamp
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// holdsMount reports whether a file system is mounted at path or below.
func holdsMount(path string, mounts map[string]bool) bool {
	for mount := range mounts {
		if config.Within(mount, path) {
			return true
		}
	}
	return false
}

func sameDevice(a, b string) bool {
	var x, y syscall.Stat_t
	return syscall.Stat(a, &x) == nil && syscall.Stat(b, &y) == nil && x.Dev == y.Dev
}

// fresh is the new content, once it is unpacked.
func (p placement) fresh() string { return filepath.Join(p.stage, p.as) }

// moves returns the renames that put the new content in place.
func (p placement) moves(mounts map[string]bool) ([]move, error) {
	switch {
	case p.part:
		return nil, nil
	case p.inside:
		return exchange(p.target, p.fresh(), p.kept, mounts)
	}
	var moves []move
	if exists(p.target) {
		moves = append(moves, move{p.target, p.kept, true})
	}
	return append(moves, move{From: p.fresh(), To: p.target}), nil
}

// exchange plans how what is in a directory that has to stay is replaced by what
// is in another one. What has a file system mounted at it or below has to stay
// too: of such a directory the content is exchanged in turn, such a file stays.
func exchange(dir, fresh, kept string, mounts map[string]bool) ([]move, error) {
	old, err := entryNames(dir)
	if err != nil {
		return nil, err
	}
	var moves []move
	stays := map[string]bool{}
	for _, name := range old {
		from := filepath.Join(dir, name)
		if !holdsMount(from, mounts) {
			moves = append(moves, move{from, filepath.Join(kept, name), true})
			continue
		}
		stays[name] = true
		if !isDir(from) || mounts[from] || !isDir(filepath.Join(fresh, name)) {
			continue
		}
		below, err := exchange(from, filepath.Join(fresh, name), filepath.Join(kept, name), mounts)
		if err != nil {
			return nil, err
		}
		moves = append(moves, below...)
	}
	names, err := entryNames(fresh)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if !stays[name] {
			moves = append(moves, move{From: filepath.Join(fresh, name), To: filepath.Join(dir, name)})
		}
	}
	return moves, nil
}

func isDir(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.IsDir()
}

// entryNames lists a directory, without what restores have put there and what
// belongs to the file system itself.
func entryNames(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if !isOurs(e.Name()) && e.Name() != "lost+found" {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// do renames. The directory that it renames into is made if need be.
func (m move) do() error {
	if err := os.MkdirAll(filepath.Dir(m.To), 0o755); err != nil {
		return err
	}
	if exists(m.To) { // rename(2) would replace a file without a word
		return fmt.Errorf("cannot put %s in place: something is there", m.To)
	}
	if err := os.Rename(m.From, m.To); err != nil {
		return fmt.Errorf("%w%s", err, fsutil.Advice(m.To, err))
	}
	return nil
}

// undo takes a rename back, if it was done. What somebody else has made in the
// meantime where former content belongs is set aside; setAside is its new name.
func (m move) undo(stamp string) (setAside string, err error) {
	if !exists(m.To) {
		return "", nil
	}
	if exists(m.From) {
		if !m.Keep {
			return "", nil // not done yet
		}
		if unix.Rmdir(m.From) != nil { // it is more than an empty directory
			setAside = m.From + ".recreated-" + stamp
			if err := os.Rename(m.From, setAside); err != nil {
				return "", err
			}
		}
	}
	return setAside, os.Rename(m.To, m.From)
}
