package fsutil

import (
	"io/fs"

	"golang.org/x/sys/unix"
)

// ReadFile is os.ReadFile for the many small files of a start: it takes four
// system calls where an os.File, which asks whether it can be polled, takes ten.
func ReadFile(path string) ([]byte, error) {
	return read(path, 0)
}

// ReadHead returns the first n bytes of a file, or all of a shorter one.
func ReadHead(path string, n int) ([]byte, error) {
	return read(path, n)
}

// read reads limit bytes at most, or all when limit is 0.
func read(path string, limit int) ([]byte, error) {
	fail := func(op string, err error) ([]byte, error) {
		return nil, &fs.PathError{Op: op, Path: path, Err: err}
	}
	fd, err := ignoringEINTR(func() (int, error) { return unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0) })
	if err != nil {
		return fail("open", err)
	}
	defer unix.Close(fd)
	size := limit
	if limit == 0 {
		var stat unix.Stat_t
		if err := unix.Fstat(fd, &stat); err != nil {
			return fail("stat", err)
		}
		size = int(stat.Size) + 1 // one more, to see the end in the first read
	}
	data := make([]byte, 0, size)
	for {
		if len(data) == cap(data) {
			if limit > 0 {
				return data, nil
			}
			data = append(data, 0)[:len(data)]
		}
		n, err := ignoringEINTR(func() (int, error) { return unix.Read(fd, data[len(data):cap(data)]) })
		if err != nil {
			return fail("read", err)
		}
		data = data[:len(data)+n]
		if n == 0 || len(data) < size { // a short read of a regular file is its end
			return data, nil
		}
	}
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
