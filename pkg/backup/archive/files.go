package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// makeFile makes the reader's current file: a small one by the crew, a large one
// here.
func (u *Unpacker) makeFile(r *Reader, dir *directory, name string, e Entry) error {
	if e.Size > smallFile {
		return u.makeWith(dir, name, e, func(f *os.File) error { return u.fill(f, r, e.Size) })
	}
	content := u.crew.buffer()
	if _, err := io.ReadFull(r, content[:e.Size]); err != nil {
		return err
	}
	dir.share()
	return u.crew.do(job{dir, name, e, content})
}

// makeSmall makes a file with content that is in memory.
func (u *Unpacker) makeSmall(j job) error {
	defer j.dir.close()
	return u.makeWith(j.dir, j.name, j.entry, func(f *os.File) error {
		end, err := writeSparse(f, j.content[:j.entry.Size], 0, 0)
		if err == nil && end < j.entry.Size {
			err = f.Truncate(j.entry.Size)
		}
		return err
	})
}

func (u *Unpacker) makeWith(dir *directory, name string, e Entry, fill func(*os.File) error) (err error) {
	f, err := dir.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := fill(f); err != nil {
		return err
	}
	if e.Mode&0o6000 != 0 {
		u.note(e, fmt.Sprintf("its mode %04o lost the setuid and setgid bits", uint32(e.Mode)))
		e.Mode &^= 0o6000
	}
	if err := u.dress(f, e); err != nil {
		return err
	}
	return dir.setTime(name, e.ModTime)
}

// dress gives an open file or directory its owner, attributes and mode.
func (u *Unpacker) dress(f *os.File, e Entry) error {
	if err := u.chown(e, f.Chown(e.UID, e.GID)); err != nil {
		return err
	}
	for name, value := range e.Xattrs {
		if !strings.HasPrefix(name, userXattr) {
			continue
		}
		if err := unix.Fsetxattr(int(f.Fd()), name, value, 0); err != nil {
			u.note(e, fmt.Sprintf("the attribute %s could not be set: %v", name, err))
		}
	}
	return f.Chmod(e.Mode.FileMode())
}

// chown handles an error of a change of owner. Only root may give files away, and in a
// user name space not even root can give them to every user.
func (u *Unpacker) chown(e Entry, err error) error {
	if err == nil || os.Geteuid() != 0 {
		return nil
	}
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EINVAL) {
		u.note(e, fmt.Sprintf("it could not be given to uid %d, gid %d", e.UID, e.GID))
		return nil
	}
	return err
}

// hole is the shortest run of zeros that is left out of a file. File systems allocate at
// least as much.
const hole = 4096

var zeros [hole]byte

// fill writes the reader's current file. Runs of zeros are left out, so that
// sparse files come back sparse.
func (u *Unpacker) fill(f *os.File, r *Reader, size int64) error {
	var at, end int64 // end of what is written
	for at < size {
		n, err := io.ReadFull(r, u.buf[:min(size-at, int64(len(u.buf)))])
		if err != nil {
			return err
		}
		if end, err = writeSparse(f, u.buf[:n], at, end); err != nil {
			return err
		}
		at += int64(n)
	}
	if end < size {
		return f.Truncate(size)
	}
	return nil
}

// writeSparse writes p at an offset, and returns where the data ends.
func writeSparse(f *os.File, p []byte, at, end int64) (int64, error) {
	for len(p) > 0 {
		data := 0
		for data < len(p) && !isHole(p[data:]) {
			data += min(hole, len(p)-data)
		}
		if data > 0 {
			if _, err := f.WriteAt(p[:data], at); err != nil {
				return end, err
			}
			end = at + int64(data)
		}
		p, at = p[data:], at+int64(data)
		for isHole(p) {
			p, at = p[hole:], at+hole
		}
	}
	return end, nil
}

func isHole(p []byte) bool { return len(p) >= hole && bytes.Equal(p[:hole], zeros[:]) }
