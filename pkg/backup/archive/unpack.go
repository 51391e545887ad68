package archive

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
)

// Target says where a part of an archive goes: the entry From, with everything below it,
// becomes As in Root. An empty From takes everything that no other target takes, under
// the same paths.
type Target struct {
	From string
	Root *os.Root
	As   string
}

// Unpacker unpacks an archive into directories. It is an error when a directory
// holds a file of an entry's name already.
type Unpacker struct {
	Targets []Target
	// Note is called for a file that cannot be restored exactly: this process may not
	// give it to its owner, or does not restore its setuid bit.
	Note func(path, what string)

	places []*place
	crew   *crew
	buf    []byte
	noting sync.Mutex
}

// Unpack reads the archive to its end. When it returns nil, everything in the
// archive is there, and whole.
func (u *Unpacker) Unpack(r *Reader) error {
	u.buf = make([]byte, copySize)
	u.crew = newCrew(u.makeSmall)
	defer u.crew.dismiss()
	for _, t := range u.Targets {
		u.places = append(u.places, &place{Target: t})
	}
	defer func() {
		for _, p := range u.places {
			p.leave()
		}
	}()
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if err := u.entry(r, *e); err != nil {
			return err
		}
	}
	if err := u.crew.wait(); err != nil {
		return err
	}
	for _, p := range u.places {
		if err := u.finishDirs(p); err != nil {
			return err
		}
	}
	return nil
}

// note calls Note, one at a time.
func (u *Unpacker) note(e Entry, what string) {
	u.noting.Lock()
	defer u.noting.Unlock()
	u.Note(string(e.Path), what)
}

// locate returns the place of a path, and the path in its root.
func (u *Unpacker) locate(name string) (*place, string) {
	var rest *place
	for _, p := range u.places {
		switch below, ok := strings.CutPrefix(name, p.From); {
		case p.From == "":
			rest = p
		case ok && (below == "" || below[0] == '/'):
			return p, p.As + below
		}
	}
	return rest, name
}

func (u *Unpacker) entry(r *Reader, e Entry) error {
	p, name := u.locate(string(e.Path))
	if p == nil {
		return invalidf("%q belongs to nothing that the archive says it holds", e.Path)
	}
	archived := string(e.Path)
	e.Path = Name(name)
	dir, err := p.enter(path.Dir(name))
	if err != nil {
		return err
	}
	base := path.Base(name)
	switch e.Kind {
	case Dir:
		err = u.makeDir(p, dir, base, e)
	case Symlink:
		err = u.makeSymlink(dir, base, e)
	case Hardlink:
		target, targetName := u.locate(string(e.Target))
		if target != p {
			return invalidf("%q is a hard link to %q, which goes elsewhere", archived, e.Target)
		}
		if err = u.crew.wait(); err == nil { // for the target
			err = p.Root.Link(targetName, name)
		}
	default:
		err = u.makeFile(r, dir, base, e)
	}
	return err
}

// makeDir makes a directory that this process can write to; its own mode comes
// at the end.
func (u *Unpacker) makeDir(p *place, dir *directory, name string, e Entry) error {
	if err := dir.Mkdir(name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	p.dirs = append(p.dirs, e)
	return nil
}

func (u *Unpacker) makeSymlink(dir *directory, name string, e Entry) error {
	if err := dir.Symlink(string(e.Target), name); err != nil {
		return err
	}
	if err := u.chown(e, dir.Lchown(name, e.UID, e.GID)); err != nil {
		return err
	}
	return dir.setTime(name, e.ModTime)
}

// finishDirs gives the directories their modes and times, the deepest first.
func (u *Unpacker) finishDirs(p *place) error {
	p.leave()
	for _, e := range slices.Backward(p.dirs) {
		if err := u.finishDir(p.Root, e); err != nil {
			return err
		}
	}
	return nil
}

func (u *Unpacker) finishDir(root *os.Root, e Entry) error {
	dir, err := openDirectory(root, string(e.Path))
	if err != nil {
		return err
	}
	defer dir.close()
	e.Mode &^= 0o4000 // means nothing on a directory
	if err := u.dress(dir.file, e); err != nil {
		return err
	}
	return dir.setTime(".", e.ModTime)
}
