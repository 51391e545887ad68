package archive

import (
	"archive/tar"
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/pgzip"
)

const (
	aheadSize   = 256 << 10 // of a block that is decompressed before it is needed
	aheadBlocks = 4
)

// Source opens an archive's compressed bytes, from the first, each time it is
// called.
type Source func() (io.ReadCloser, error)

// Reader reads an archive. Every entry that it returns obeys the rules, and once Next
// has returned io.EOF the archive is known to be whole. Its errors match ErrInvalid,
// except those of ctx and of the Source.
type Reader struct {
	// Head is nil when the archive has no manifest.
	Head *Head
	// Progress is called with the number of bytes just read of files.
	Progress func(n int)

	ctx     context.Context
	closers []func()
	zeros   *zeroTail
	tar     *tar.Reader
	lines   *bufio.Reader // of the manifest, from its second on
	rules   *rules
	first   *tar.Header // read to look for a manifest, and not used yet
	prefix  string      // one directory that everything is in
	expect  *Entry      // the manifest's line for the current entry
	hash    hash.Hash
	left    int64  // of the current file
	unread  []byte // a buffer for what is left
	entries int64
}

// Open begins to read an archive.
func Open(ctx context.Context, open Source, limits Limits) (*Reader, error) {
	r := &Reader{ctx: ctx, Progress: func(int) {}, rules: newRules(limits), hash: sha256.New()}
	if err := r.start(open); err != nil {
		r.Close()
		return nil, r.invalid(err)
	}
	return r, nil
}

func (r *Reader) start(open Source) error {
	in, err := r.open(open)
	if err != nil {
		return err
	}
	// This one decompresses in a goroutine of its own, some blocks ahead.
	gz, err := pgzip.NewReaderN(in, aheadSize, aheadBlocks)
	if err != nil {
		return err
	}
	r.closers = append(r.closers, func() { _ = gz.Close() })
	r.zeros = &zeroTail{r: gz}
	r.tar = tar.NewReader(r.zeros)
	if r.first, err = r.tar.Next(); err != nil {
		if errors.Is(err, io.EOF) {
			return errors.New("holds nothing")
		}
		return err
	}
	if r.first.Name != ManifestName {
		return nil
	}
	r.first = nil
	return r.openManifest(open)
}

// open opens the archive once more.
func (r *Reader) open(open Source) (io.Reader, error) {
	in, err := open()
	if err != nil {
		return nil, openError{err}
	}
	r.closers = append(r.closers, func() { _ = in.Close() })
	return bufio.NewReaderSize(in, 64<<10), nil
}

// openManifest reads the manifest through a reader of its own, line by line
// beside the entries, instead of keeping it in memory.
func (r *Reader) openManifest(open Source) error {
	in, err := r.open(open)
	if err != nil {
		return err
	}
	gz, err := gzip.NewReader(in)
	if err != nil {
		return err
	}
	manifest := tar.NewReader(gz)
	if _, err := manifest.Next(); err != nil {
		return err
	}
	r.lines = bufio.NewReaderSize(manifest, maxLine)
	r.Head, err = readHead(r.lines)
	return err
}

// Close releases what the reader holds.
func (r *Reader) Close() {
	for len(r.closers) > 0 {
		last := len(r.closers) - 1
		r.closers[last]()
		r.closers = r.closers[:last]
	}
}

// Next goes on to the next entry. It skips the entry of the top directory.
func (r *Reader) Next() (*Entry, error) {
	e, err := r.next()
	if err != nil && !errors.Is(err, io.EOF) {
		err = r.invalid(err)
	}
	return e, err
}

func (r *Reader) next() (*Entry, error) {
	if err := r.finishEntry(); err != nil {
		return nil, err
	}
	for {
		if r.ctx.Err() != nil {
			return nil, context.Cause(r.ctx)
		}
		h, err := r.nextHeader()
		if errors.Is(err, io.EOF) {
			return nil, r.finish()
		}
		if err != nil {
			return nil, err
		}
		if h.Typeflag == tar.TypeXGlobalHeader {
			continue // a comment of the archive, which says nothing about a file
		}
		e, err := r.entry(h)
		if err != nil {
			return nil, err
		}
		if e != nil {
			return e, nil
		}
	}
}

func (r *Reader) nextHeader() (*tar.Header, error) {
	if h := r.first; h != nil {
		r.first = nil
		return h, nil
	}
	return r.tar.Next()
}

// Read reads the content of the current file.
func (r *Reader) Read(p []byte) (int, error) {
	n, err := r.read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = r.invalid(err)
	}
	return n, err
}

func (r *Reader) read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	if r.left == 0 {
		return 0, io.EOF
	}
	n, err := r.tar.Read(p)
	r.left -= int64(n)
	if r.expect != nil {
		r.hash.Write(p[:n])
	}
	if n > 0 {
		r.Progress(n)
	}
	if errors.Is(err, io.EOF) {
		err = nil // for the next call, if that comes too early
		if n == 0 {
			err = io.ErrUnexpectedEOF
		}
	}
	return n, err
}

// finishEntry reads what is left of the current file and compares its sum.
func (r *Reader) finishEntry() error {
	if r.left > 0 {
		if r.unread == nil {
			r.unread = make([]byte, 64<<10)
		}
		for r.left > 0 {
			if _, err := r.read(r.unread); err != nil {
				return err
			}
		}
	}
	want := r.expect
	r.expect = nil
	if want == nil || want.Kind != File {
		return nil
	}
	if sum := hexSum(r.hash.Sum(nil)); sum != want.SHA256 {
		return fmt.Errorf("the content of %q has the SHA-256 %s instead of %s", want.Path, sum, want.SHA256)
	}
	return nil
}

// finish reads the archive to its end, so that every sum of gzip is compared.
func (r *Reader) finish() error {
	if !r.zeros.ended() {
		return errors.New("ends without the mark of a tar archive's end: something is missing")
	}
	if err := r.zeros.drain(); err != nil {
		return err
	}
	if r.lines != nil {
		if line, err := readLine(r.lines); err == nil {
			return fmt.Errorf("is not all that the manifest has: there is no entry for %.200q", line)
		} else if !errors.Is(err, io.EOF) {
			return err
		}
		return io.EOF
	}
	if r.entries == 0 {
		return errors.New("holds nothing")
	}
	return io.EOF
}

// openError is an error of a Source. The Source marks it itself when it is the archive's
// fault.
type openError struct{ error }

func (e openError) Unwrap() error { return e.error }

// invalid marks an error as one of the archive.
func (r *Reader) invalid(err error) error {
	var notOpen openError
	switch {
	case errors.As(err, &notOpen):
		return notOpen.error
	case r.ctx.Err() != nil || errors.Is(err, ErrInvalid):
		return err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("ends too early: it is truncated")
	}
	return invalidf("%w", err)
}
