package archive

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Skip decides what is left out of a tree: rel is the path below the directory that was
// added, "." for that directory itself.
type Skip func(rel string) bool

// Add puts dir/name, with everything below it, into the archive under the path
// as. It never reads anything outside dir, even when links lead there or somebody
// exchanges files meanwhile. It leaves out sockets, devices and named pipes, and
// goes through a directory in the order of names.
func (w *Writer) Add(ctx context.Context, dir *os.Root, name, as string, skip Skip) error {
	return newTree(ctx, w, skip).add(dir, name, ".", as)
}

// AddContent is Add for everything in dir, under its own name.
func (w *Writer) AddContent(ctx context.Context, dir *os.Root) error {
	names, _, _, err := readDir(dir)
	if err != nil {
		return err
	}
	t := newTree(ctx, w, nil)
	for _, name := range names {
		if err := t.add(dir, name, name, name); err != nil {
			return err
		}
	}
	return nil
}

func newTree(ctx context.Context, to sink, skip Skip) *tree {
	return &tree{sink: to, ctx: ctx, skip: skip, links: map[inode]string{}}
}

// tree is what one call adds. Its hard links lead to files of the same tree.
type tree struct {
	sink
	ctx   context.Context
	skip  Skip
	links map[inode]string // files with more than one name: the first
}

type inode struct{ dev, ino uint64 }

func (t *tree) add(dir *os.Root, name, rel, as string) error {
	if t.ctx.Err() != nil {
		return context.Cause(t.ctx)
	}
	if t.skip != nil && t.skip(rel) {
		return nil
	}
	info, err := dir.Lstat(name)
	if err != nil {
		t.unread(as, err)
		return nil
	}
	switch info.Mode().Type() {
	case fs.ModeDir:
		return t.directory(dir, name, rel, as)
	case fs.ModeSymlink:
		return t.symlink(dir, name, as, info)
	case 0:
		return t.file(dir, name, as, info)
	}
	return nil // sockets and the like mean something only while their program runs
}

// unread counts a file that could not be read. One that has vanished since its
// directory was listed counts as changed.
func (t *tree) unread(as string, err error) {
	if errors.Is(err, fs.ErrNotExist) {
		t.warn(as, false, errVanished)
		return
	}
	t.warn(as, true, cause(err))
}

func (t *tree) directory(parent *os.Root, name, rel, as string) error {
	dir, err := parent.OpenRoot(name)
	if err != nil {
		t.unread(as, err)
		return nil
	}
	defer dir.Close()
	names, info, xattrs, err := readDir(dir)
	if err != nil {
		t.unread(as, err)
		return nil
	}
	e := newEntry(as, Dir, info)
	e.Xattrs = xattrs
	if err := t.write(t.ctx, &e, nil); err != nil {
		return err
	}
	for _, name := range names {
		below := name
		if rel != "." {
			below = rel + "/" + name
		}
		if err := t.add(dir, name, below, as+"/"+name); err != nil {
			return err
		}
	}
	return nil
}

func readDir(dir *os.Root) ([]string, fs.FileInfo, map[string][]byte, error) {
	f, err := dir.Open(".")
	if err != nil {
		return nil, nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, nil, err
	}
	names, err := f.Readdirnames(-1)
	slices.Sort(names)
	return names, info, xattrs(f), err
}

func (t *tree) symlink(dir *os.Root, name, as string, info fs.FileInfo) error {
	target, err := dir.Readlink(name)
	if err != nil {
		t.unread(as, err)
		return nil
	}
	e := newEntry(as, Symlink, info)
	e.Target = Name(target)
	return t.write(t.ctx, &e, nil)
}

func (t *tree) file(dir *os.Root, name, as string, listed fs.FileInfo) error {
	// Another process may have put a named pipe there, which must not block.
	f, err := dir.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
	if err != nil {
		t.unread(as, err)
		return nil
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.unread(as, err)
		return nil
	}
	if !info.Mode().IsRegular() {
		t.warn(as, false, errVanished)
		return nil
	}
	e := newEntry(as, File, info)
	if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Nlink > 1 {
		id := inode{st.Dev, st.Ino}
		if first, ok := t.links[id]; ok {
			e.Kind, e.Target = Hardlink, Name(first)
			return t.write(t.ctx, &e, nil)
		}
		t.links[id] = as
	}
	e.Size = info.Size()
	e.Xattrs = xattrs(f)
	if err := t.write(t.ctx, &e, f); err != nil {
		return err
	}
	t.checkUnchanged(f, as, info)
	return nil
}

// checkUnchanged notes what another process did to a file while it was read.
func (t *tree) checkUnchanged(f *os.File, as string, before fs.FileInfo) {
	after, err := f.Stat()
	switch {
	case err != nil:
	case after.Size() > before.Size():
		t.warn(as, false, fmt.Errorf("it grew from %d to %d bytes while it was read: the archive has the first %d", before.Size(), after.Size(), before.Size()))
	case after.Size() == before.Size() && !after.ModTime().Equal(before.ModTime()):
		t.warn(as, false, errors.New("it was written to while it was read: the archive may have parts of both states"))
	}
}

var errVanished = errors.New("it vanished before it could be read")

// errShrunk says that a file was shorter than its size had been.
type errShrunk struct{ size, read int64 }

func (e errShrunk) Error() string {
	return fmt.Sprintf("it shrank from %d to %d bytes while it was read: the archive has zeros for the rest", e.size, e.read)
}

const userXattr = "user."

// xattrs returns the extended attributes that users may set, which are the only
// ones that mean the same on another machine. A file system without attributes is
// no error.
func xattrs(f *os.File) map[string][]byte {
	var names [4096]byte
	n, err := unix.Flistxattr(int(f.Fd()), names[:])
	if err != nil || n == 0 {
		return nil
	}
	var attrs map[string][]byte
	for name := range strings.SplitSeq(string(names[:n]), "\x00") {
		if !strings.HasPrefix(name, userXattr) {
			continue
		}
		value := make([]byte, 64<<10) // the kernel's limit
		n, err := unix.Fgetxattr(int(f.Fd()), name, value)
		if err != nil {
			continue
		}
		if attrs == nil {
			attrs = map[string][]byte{}
		}
		attrs[name] = value[:n:n]
	}
	return attrs
}

func hexSum(sum []byte) string { return hex.EncodeToString(sum) }

// cause drops the operation and path that errors of the file system carry, for
// messages that name the path themselves.
func cause(err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err
	}
	return err
}
