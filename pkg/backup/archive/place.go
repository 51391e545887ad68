package archive

import (
	"errors"
	"io/fs"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// place is a target while it is unpacked into.
type place struct {
	Target
	dir     *directory // the directory of the last entry, open
	dirPath string
	dirs    []Entry // whose modes and times are set at the end, Path in Root
}

// enter returns the open directory of an entry. It keeps the directory open, because the
// next entry is mostly in the same one. It makes directories that the archive does not
// list.
func (p *place) enter(name string) (*directory, error) {
	if p.dir != nil && p.dirPath == name {
		return p.dir, nil
	}
	p.leave()
	dir, err := openDirectory(p.Root, name)
	if errors.Is(err, fs.ErrNotExist) {
		if err = p.Root.MkdirAll(name, 0o755); err == nil {
			dir, err = openDirectory(p.Root, name)
		}
	}
	if err != nil {
		return nil, err
	}
	p.dir, p.dirPath = dir, name
	return dir, nil
}

func (p *place) leave() {
	if p.dir != nil {
		p.dir.close()
		p.dir = nil
	}
}

// directory is an open directory. It is open twice, because os.Root cannot set the times
// of a link.
type directory struct {
	*os.Root
	file  *os.File
	users atomic.Int32
}

func openDirectory(root *os.Root, name string) (*directory, error) {
	dir, err := root.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	file, err := dir.Open(".")
	if err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	d := &directory{Root: dir, file: file}
	d.users.Store(1)
	return d, nil
}

// share keeps the directory open for one more user.
func (d *directory) share() { d.users.Add(1) }

// close is called by each user; the last one closes the directory.
func (d *directory) close() {
	if d.users.Add(-1) == 0 {
		_ = d.file.Close()
		_ = d.Close()
	}
}

// setTime sets the time of a file, directory or link in the directory, or of
// itself as ".".
func (d *directory) setTime(name string, t time.Time) error {
	spec, err := unix.TimeToTimespec(t)
	if err != nil {
		return err
	}
	err = unix.UtimesNanoAt(int(d.file.Fd()), name, []unix.Timespec{spec, spec}, unix.AT_SYMLINK_NOFOLLOW)
	if err != nil {
		return &os.PathError{Op: "set the time of", Path: name, Err: err}
	}
	return nil
}
