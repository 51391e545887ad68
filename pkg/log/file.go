package log

import (
	"fmt"
	"os"
	"sync"
)

// File is a log file. It is opened anew once logrotate has renamed or deleted it, so
// that the program that writes to it needs no signal.
type File struct {
	path string

	mu sync.Mutex
	f  *os.File
}

// OpenFile opens a log file to append to, which is created when it is missing.
func OpenFile(path string) (*File, error) {
	f, err := open(path)
	if err != nil {
		return nil, err
	}
	return &File{path: path, f: f}, nil
}

func open(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("cannot write the log: %w", err)
	}
	return f, nil
}

// Write implements io.Writer. A look at the path costs less than the write.
func (f *File) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.isCurrent() {
		// When it cannot be opened anew, lines go on to the renamed file.
		if anew, err := open(f.path); err == nil {
			_ = f.f.Close()
			f.f = anew
		}
	}
	return f.f.Write(p)
}

func (f *File) isCurrent() bool {
	there, err := os.Stat(f.path)
	if err != nil {
		return false
	}
	ours, err := f.f.Stat()
	return err == nil && os.SameFile(there, ours)
}

// Close closes the file.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.f.Close()
}
