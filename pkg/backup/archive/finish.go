package archive

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// Finish puts the manifest in front of what was added and leaves the archive
// under path, synced. The caller sets the fields of head that say what
// the archive is; Finish fills in the rest, and returns the head as written.
//
// The manifest goes into gzip members of its own, which may stand in front of others.
// When the file system can insert space at the front of a file (ext4, XFS), nothing is
// copied.
func (w *Writer) Finish(path string, head Head) (Head, error) {
	defer w.Abort()
	head.Format, head.Version = w.head.Format, w.head.Version
	head.Started, head.Finished = w.head.Started, time.Now()
	head.Entries, head.Files, head.Bytes = w.head.Entries, w.head.Files, w.head.Bytes
	head.Changed, head.Unreadable = w.head.Changed, w.head.Unreadable
	if err := errors.Join(w.tar.Close(), w.gz.Close()); err != nil {
		return head, err
	}
	lines, err := w.list.finish()
	if err != nil {
		return head, err
	}
	front, err := newFront(head, w.list.size, lines)
	if err != nil {
		return head, err
	}
	return head, w.join(front, path)
}

// join makes front and body one file.
func (w *Writer) join(front *front, path string) error {
	inserted, err := front.insert(w.body)
	if err != nil {
		return err
	}
	if inserted {
		if err := settle(w.body); err != nil {
			return err
		}
		return os.Rename(filepath.Join(w.dir, "body"), path)
	}
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	if err := front.write(out, 0); err != nil {
		return err
	}
	if _, err := w.body.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if _, err := io.Copy(out, w.body); err != nil { // copy_file_range(2) where there is one
		return err
	}
	return errors.Join(settle(out), os.Remove(filepath.Join(w.dir, "body")))
}

// settle writes a file to the disk and drops it from memory, so that the next
// reader reads what is on the disk.
func settle(f *os.File) error {
	if err := f.Sync(); err != nil {
		return err
	}
	_ = unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED) // the kernel need not do it
	return nil
}

// front is the manifest as it stands in the archive: a gzip member with its tar
// header and first line, the lines, which are compressed already, and a member
// that fills the last block of the tar format.
type front struct {
	first []byte // before compression
	lines *os.File
	size  int64 // of lines
	last  []byte
}

func newFront(head Head, listSize int64, lines *os.File) (*front, error) {
	line, err := json.Marshal(head)
	if err != nil {
		return nil, err
	}
	line = append(line, '\n')
	size := int64(len(line)) + listSize
	var first bytes.Buffer
	err = tar.NewWriter(&first).WriteHeader(&tar.Header{
		Typeflag: tar.TypeReg, Name: ManifestName, Mode: 0o600, Size: size, ModTime: head.Finished.Truncate(time.Second),
	})
	if err != nil {
		return nil, err
	}
	first.Write(line)
	info, err := lines.Stat()
	if err != nil {
		return nil, err
	}
	const tarBlock = 512
	last, err := compress(make([]byte, (tarBlock-size%tarBlock)%tarBlock), nil)
	return &front{first.Bytes(), lines, info.Size(), last}, err
}

// write writes the front, its length a multiple of align unless that is 0. The padding
// is an extra field in the header of the first member, which programs that read gzip
// skip (RFC 1952, 2.3.1.1).
func (f *front) write(w io.Writer, align int64) error {
	first, err := f.aligned(align)
	if err != nil {
		return err
	}
	if _, err := w.Write(first); err != nil {
		return err
	}
	if _, err := io.Copy(w, io.NewSectionReader(f.lines, 0, f.size)); err != nil {
		return err
	}
	_, err = w.Write(f.last)
	return err
}

func (f *front) aligned(align int64) ([]byte, error) {
	if align == 0 {
		return compress(f.first, nil)
	}
	const subfield = 4 // its identifier and length
	first, err := compress(f.first, extraField(subfield))
	if err != nil {
		return nil, err
	}
	odd := (int64(len(first)) + f.size + int64(len(f.last))) % align
	return compress(f.first, extraField(subfield+(align-odd)%align))
}

// extraField is n bytes that mean nothing.
func extraField(n int64) []byte {
	field := make([]byte, n)
	copy(field, "CM")
	binary.LittleEndian.PutUint16(field[2:], uint16(n-4))
	return field
}

const (
	// worthInserting is the size from which copying a file costs more than padding the
	// front to a whole block of the file system.
	worthInserting = 4 << 20
	// maxAlign is below what an extra field can hold.
	maxAlign = 32 << 10
)

// insert puts the front before the content of a file, without copying the content. It
// returns false when the file system cannot do that; then the file is as it was.
func (f *front) insert(file *os.File) (bool, error) {
	info, err := file.Stat()
	if err != nil || info.Size() < worthInserting {
		return false, err
	}
	var fs unix.Statfs_t
	if err := unix.Fstatfs(int(file.Fd()), &fs); err != nil || fs.Bsize <= 0 || fs.Bsize > maxAlign {
		return false, nil
	}
	block := int64(fs.Bsize) // whose type differs from one processor to the other
	first, err := f.aligned(block)
	if err != nil {
		return false, err
	}
	size := int64(len(first)) + f.size + int64(len(f.last))
	if unix.Fallocate(int(file.Fd()), unix.FALLOC_FL_INSERT_RANGE, 0, size) != nil {
		return false, nil // the file system cannot do it, so the caller copies
	}
	return true, f.write(io.NewOffsetWriter(file, 0), block)
}
