package archive

import (
	"archive/tar"
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
)

// maxLine is the longest line of a manifest: a path and a link's target of 4 KiB
// each, every byte escaped, and attributes.
const maxLine = 128 << 10

// maxHead is enough for the head, whose paths are those of one environment variable.
const maxHead = 64 << 10

// ReadHead reads what describes an archive, which stands in its first block. It
// returns nil when there is no manifest.
func ReadHead(open Source) (*Head, error) {
	in, err := open()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	gz, err := gzip.NewReader(bufio.NewReaderSize(in, 4<<10))
	if err != nil {
		return nil, Invalid(unexpected(err))
	}
	manifest := tar.NewReader(gz)
	header, err := manifest.Next()
	if err != nil {
		return nil, Invalid(unexpected(err))
	}
	if header.Name != ManifestName {
		return nil, nil
	}
	head, err := readHead(bufio.NewReaderSize(manifest, maxHead))
	if err != nil {
		return nil, Invalid(err)
	}
	return head, nil
}

// readHead reads a manifest's first line.
func readHead(lines *bufio.Reader) (*Head, error) {
	line, err := readLine(lines)
	if err != nil {
		return nil, fmt.Errorf("the manifest is broken: %w", unexpected(err))
	}
	head := &Head{}
	if err := json.Unmarshal(line, head); err != nil {
		return nil, fmt.Errorf("the manifest is broken: %w", err)
	}
	switch {
	case head.Format != formatName:
		return nil, fmt.Errorf("the manifest is of the format %q, not %q", head.Format, formatName)
	case head.Version != formatVersion:
		return nil, fmt.Errorf("the manifest is of version %d, and this program reads version %d: use a newer one", head.Version, formatVersion)
	}
	for i, name := range head.Paths {
		if !path.IsAbs(name) || path.Clean(name) != name || name == "/" || strings.Contains(name, "\x00") || slices.Contains(head.Paths[:i], name) {
			return nil, fmt.Errorf("the manifest names the path %q", name)
		}
	}
	return head, nil
}

// readLine returns the next line, which is valid until the one after it is read. A line
// without an end is an error, and so is one that is too long.
func readLine(lines *bufio.Reader) ([]byte, error) {
	line, err := lines.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return nil, fmt.Errorf("the manifest has a line of more than %d bytes", maxLine)
	case errors.Is(err, io.EOF) && len(line) > 0:
		return nil, io.ErrUnexpectedEOF
	}
	return line, err
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// zeroTail passes a tar archive through and watches how it ends: with two
// blocks of zeros, and nothing else behind them.
type zeroTail struct {
	r     io.Reader
	zeros int64 // zero bytes at the end of the part that was read so far
}

func (z *zeroTail) Read(p []byte) (int, error) {
	n, err := z.r.Read(p)
	i := n
	for i > 0 && p[i-1] == 0 {
		i--
	}
	if i > 0 {
		z.zeros = 0
	}
	z.zeros += int64(n - i)
	return n, err
}

// ended reports whether the mark of an archive's end was read.
func (z *zeroTail) ended() bool { return z.zeros >= 2*512 }

// drain reads to the end.
func (z *zeroTail) drain() error {
	buf := make([]byte, 32<<10)
	for {
		n, err := z.Read(buf)
		if n > 0 && z.zeros < int64(n) {
			return errors.New("goes on behind its end: it may be two archives in one")
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
