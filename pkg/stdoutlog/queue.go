package stdoutlog

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// file is an open log file.
type file struct {
	*os.File
	inode  uint64
	offset int64 // up to which it has been read
}

func openFile(path string) (*file, error) {
	// Without O_NONBLOCK a FIFO would keep us waiting for a writer.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("is no regular file")
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return &file{File: f, inode: inodeOf(info)}, nil
}

// size returns the size, and whether the file still has a name.
func (f *file) size() (size int64, named bool) {
	info, err := f.Stat()
	if err != nil {
		return 0, false
	}
	return info.Size(), info.Sys().(*syscall.Stat_t).Nlink > 0
}

// start opens the files that are still to be read, as the record says. Without a record
// the log is read from its end on.
func (s *stream) start(r record, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.since = r.at.Add(-clockTick)
	if r.at.IsZero() {
		s.since = time.Now()
	}
	for _, g := range settled(s.Path) {
		if known && g.inode != r.inode || !known && g.number != 0 {
			continue
		}
		f, err := s.open(g.path)
		if err != nil {
			continue
		}
		switch size, _ := f.size(); {
		case !known:
			f.offset = size
		case r.offset <= size: // else it was truncated, or is another one
			f.offset = r.offset
		}
		s.files = append(s.files, f)
	}
	s.addNew()
}

// catchUp opens files that have come since.
func (s *stream) catchUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addNew()
	s.dropDeleted()
}

// addNew adds the files that are younger than those in the queue. It looks again when a
// rotation has begun meanwhile.
func (s *stream) addNew() {
	const attempts = 5
	for range attempts {
		info, err := os.Stat(s.Path)
		if n := len(s.files); err == nil && n > 0 && s.files[n-1].inode == inodeOf(info) {
			return
		}
		if complete := s.addListed(settled(s.Path)); complete && err != nil {
			return // there is no log now
		}
	}
}

// addListed adds the listed files. At a file that has another name by now it stops and
// returns false.
func (s *stream) addListed(all []generation) (complete bool) {
	var inode uint64
	since := s.since
	if n := len(s.files); n > 0 {
		inode = s.files[n-1].inode
		if info, err := s.files[n-1].Stat(); err == nil {
			since = info.ModTime()
		}
	}
	for _, g := range younger(all, inode, since) {
		f, err := s.open(g.path)
		if errors.Is(err, fs.ErrNotExist) {
			return false
		}
		if err != nil {
			continue
		}
		if f.inode != g.inode {
			_ = f.Close()
			return false
		}
		if s.has(f.inode) {
			_ = f.Close()
			continue
		}
		s.files = append(s.files, f)
	}
	return true
}

// open opens a file. When it may not read the file it warns, once.
func (s *stream) open(path string) (*file, error) {
	f, err := openFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && err.Error() != s.unreadable {
		s.unreadable = err.Error()
		s.warn(err)
	}
	return f, err
}

func (s *stream) has(inode uint64) bool {
	for _, f := range s.files {
		if f.inode == inode {
			return true
		}
	}
	return false
}

// dropDeleted closes files that were removed and that only we have still open, the
// oldest first, when they take too much space. The one that is being read stays.
func (s *stream) dropDeleted() {
	var deleted int64
	for i := len(s.files) - 1; i > 0; i-- {
		size, named := s.files[i].size()
		if named {
			continue
		}
		if deleted += size; deleted > maxDeleted {
			s.lost += size - s.files[i].offset
			_ = s.files[i].Close()
			s.files = append(s.files[:i:i], s.files[i+1:]...)
		}
	}
}
