package fsutil

import (
	"bytes"
	"io/fs"

	"golang.org/x/sys/unix"
)

// ReadFile is os.ReadFile for the many small files of a start: it takes four
// system calls where an os.File, which asks whether it can be polled, takes ten.
func ReadFile(path string) ([]byte, error) {
	f, err := open(path, 0)
	if err != nil {
		return nil, err
	}
	defer f.close()
	var stat unix.Stat_t
	if err := unix.Fstat(f.fd, &stat); err != nil {
		return nil, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	return f.readAll(int(stat.Size))
}

// ReadHead returns the first n bytes of a file, or all of a shorter one.
func ReadHead(path string, n int) ([]byte, error) {
	f, err := open(path, 0)
	if err != nil {
		return nil, err
	}
	defer f.close()
	data := make([]byte, n)
	n, err = f.read(data)
	return data[:n], err
}

// is reports whether a file, and no link, has this content and mode.
func is(path string, data []byte, perm fs.FileMode) (bool, error) {
	f, err := open(path, unix.O_NOFOLLOW|unix.O_NONBLOCK)
	if err != nil {
		return false, err
	}
	defer f.close()
	var stat unix.Stat_t
	if unix.Fstat(f.fd, &stat) != nil || stat.Mode != unix.S_IFREG|uint32(perm) || stat.Size != int64(len(data)) {
		return false, nil
	}
	old, err := f.readAll(len(data))
	return err == nil && bytes.Equal(old, data), nil
}

// file is an open file.
type file struct {
	fd   int
	path string
}

func open(path string, flags int) (file, error) {
	fd, err := ignoringEINTR(func() (int, error) { return unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|flags, 0) })
	if err != nil {
		return file{}, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return file{fd, path}, nil
}

func (f file) close() { _ = unix.Close(f.fd) }

// readAll reads the whole file, which probably has this size.
func (f file) readAll(size int) ([]byte, error) {
	data := make([]byte, 0, size+1) // one more, to see the end in the first read
	for {
		if len(data) == cap(data) {
			data = append(data, 0)[:len(data)]
		}
		n, err := f.read(data[len(data):cap(data)])
		if err != nil {
			return nil, err
		}
		data = data[:len(data)+n]
		if n == 0 || len(data) <= size { // a short read of a regular file is its end
			return data, nil
		}
	}
}

func (f file) read(data []byte) (int, error) {
	n, err := ignoringEINTR(func() (int, error) { return unix.Read(f.fd, data) })
	if err != nil {
		return 0, &fs.PathError{Op: "read", Path: f.path, Err: err}
	}
	return n, nil
}

func ignoringEINTR(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if err != unix.EINTR {
			return n, err
		}
	}
}

// Names returns the names in an open directory, in no order.
func Names(fd int) ([]string, error) {
	var names []string
	buf := make([]byte, 4096)
	for {
		n, err := ignoringEINTR(func() (int, error) { return unix.Getdents(fd, buf) })
		if err != nil || n == 0 {
			return names, err
		}
		_, _, names = unix.ParseDirent(buf[:n], -1, names)
	}
}
