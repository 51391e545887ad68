package archive

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/pgzip"
)

const (
	// level is gzip's. With this implementation 3 packs ordinary data as small
	// as gzip -6 does, in a fraction of the time.
	level = 3
	// blockSize is what one goroutine compresses at a time, and maxBlocks bounds
	// the memory that they take on machines with many cores.
	blockSize = 1 << 20
	maxBlocks = 6
	// copySize is how much of a file is in memory.
	copySize = 256 << 10
)

// Writer writes an archive: Add as often as needed, then Finish or Abort.
type Writer struct {
	// Warn is called for each file that is not in the archive as it should be. Lost says
	// that the file is missing; otherwise it changed while it was read.
	Warn func(path string, lost bool, why error)
	// Progress is called with the number of bytes just read from files.
	Progress func(n int)

	dir  string // for working files
	body *os.File
	gz   *pgzip.Writer
	tar  *tar.Writer
	list *list
	head Head
	hash hash.Hash
	buf  []byte
}

// NewWriter begins an archive, with working files in dir, which must be on the
// file system that the archive is to lie on.
func NewWriter(dir string) (*Writer, error) {
	body, err := os.OpenFile(filepath.Join(dir, "body"), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	list, err := newList(filepath.Join(dir, "list"))
	if err != nil {
		return nil, errors.Join(err, body.Close())
	}
	gz, err := pgzip.NewWriterLevel(body, level)
	if err == nil {
		err = gz.SetConcurrency(blockSize, min(runtime.GOMAXPROCS(0), maxBlocks))
	}
	if err != nil {
		return nil, errors.Join(err, body.Close(), list.close())
	}
	return &Writer{
		Warn:     func(string, bool, error) {},
		Progress: func(int) {},
		dir:      dir,
		body:     body,
		gz:       gz,
		tar:      tar.NewWriter(gz),
		list:     list,
		head:     Head{Format: formatName, Version: formatVersion, Started: time.Now()},
		hash:     sha256.New(),
		buf:      make([]byte, copySize),
	}, nil
}

// Abort gives the archive up. It leaves the working files to the caller, who
// removes the directory. It does nothing after Finish.
func (w *Writer) Abort() {
	if w.body != nil {
		_ = w.gz.Close() // ends its goroutines
		_ = w.body.Close()
		_ = w.list.close()
		w.body = nil
	}
}

// Missing notes a path that should be in the archive and cannot be read.
func (w *Writer) Missing(path string, why error) { w.warn(path, true, cause(why)) }

// warn counts a file that is not as it should be, and calls Warn.
func (w *Writer) warn(path string, lost bool, why error) {
	if lost {
		w.head.Unreadable++
	} else {
		w.head.Changed++
	}
	w.Warn(path, lost, why)
}

// write puts an entry and the content of a file into the archive.
func (w *Writer) write(ctx context.Context, e *Entry, content io.Reader) error {
	header := &tar.Header{
		Typeflag: typeflags[e.Kind],
		Name:     string(e.Path),
		Linkname: string(e.Target),
		Mode:     int64(e.Mode),
		Uid:      e.UID,
		Gid:      e.GID,
		Size:     e.Size,
		// The manifest has the fraction: here it would cost a kilobyte an entry.
		ModTime: e.ModTime.Truncate(time.Second),
	}
	if e.Kind == Dir {
		header.Name += "/"
	}
	if !utf8.ValidString(header.Name) || !utf8.ValidString(header.Linkname) {
		header.Format = tar.FormatGNU // the only one that takes any bytes for a name
	}
	if err := w.tar.WriteHeader(header); err != nil {
		return err
	}
	if e.Kind == File {
		if err := w.content(ctx, e, content); err != nil {
			return err
		}
		w.head.Files++
		w.head.Bytes += e.Size
	}
	w.head.Entries++
	return w.list.add(e)
}

var typeflags = map[Kind]byte{File: tar.TypeReg, Dir: tar.TypeDir, Symlink: tar.TypeSymlink, Hardlink: tar.TypeLink}

// content copies exactly e.Size bytes, which the header has promised, and sets
// their sum. A file that has become shorter is filled with zeros.
func (w *Writer) content(ctx context.Context, e *Entry, r io.Reader) error {
	w.hash.Reset()
	var failed error
	for left := e.Size; left > 0; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		p := w.buf[:min(left, copySize)]
		n := 0
		if failed == nil {
			if n, failed = io.ReadFull(r, p); failed != nil {
				w.contentFailed(e, e.Size-left+int64(n), failed)
			}
		}
		clear(p[n:])
		w.hash.Write(p)
		if _, err := w.tar.Write(p); err != nil {
			return err
		}
		w.Progress(len(p))
		left -= int64(len(p))
	}
	var sum [sha256.Size]byte
	e.SHA256 = hexSum(w.hash.Sum(sum[:0]))
	return nil
}

func (w *Writer) contentFailed(e *Entry, at int64, err error) {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		w.warn(string(e.Path), false, errShrunk{e.Size, at})
		return
	}
	w.warn(string(e.Path), true, err)
}

// list collects the manifest's lines in a compressed file.
type list struct {
	file *os.File
	out  *bufio.Writer
	gz   *gzip.Writer
	size int64 // before compression
}

func newList(path string) (*list, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	l := &list{file: file, out: bufio.NewWriterSize(file, 64<<10)}
	l.gz, err = gzip.NewWriterLevel(l.out, level)
	return l, err
}

func (l *list) add(e *Entry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	line = append(line, '\n')
	l.size += int64(len(line))
	_, err = l.gz.Write(line)
	return err
}

// finish returns the compressed lines, positioned at their beginning.
func (l *list) finish() (*os.File, error) {
	if err := errors.Join(l.gz.Close(), l.out.Flush()); err != nil {
		return nil, err
	}
	_, err := l.file.Seek(0, io.SeekStart)
	return l.file, err
}

func (l *list) close() error { return l.file.Close() }

// compress returns data as a gzip member. Extra pads its header.
func compress(data, extra []byte) ([]byte, error) {
	var b bytes.Buffer
	gz, err := gzip.NewWriterLevel(&b, level)
	if err != nil {
		return nil, err
	}
	gz.Extra = extra
	if _, err = gz.Write(data); err == nil {
		err = gz.Close()
	}
	return b.Bytes(), err
}
