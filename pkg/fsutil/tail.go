package fsutil

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Tail returns the whole lines in the last bytes of a file, and when the file was changed.
// It waits for nobody: something that is no file, such as a pipe, is an error.
func Tail(path string, size int64) (lines []byte, changed time.Time, err error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, changed, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, changed, err
	}
	if !info.Mode().IsRegular() {
		return nil, changed, fmt.Errorf("%s is no file", path)
	}
	from := max(0, info.Size()-size)
	lines, err = io.ReadAll(io.NewSectionReader(f, from, size))
	if _, whole, found := bytes.Cut(lines, []byte("\n")); from > 0 && found {
		lines = whole // the first line is cut off
	}
	return lines, info.ModTime(), err
}
