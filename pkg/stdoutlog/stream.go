package stdoutlog

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"time"
)

// How much a stream reads and keeps.
const (
	// maxLine is the longest line that is written as one.
	maxLine = 1 << 20
	// maxRound is how much of a stream is read before the others have their turn.
	maxRound = 4 << 20
	// maxDeleted is how much disk space files may take that only the Follower has
	// still got, because rotation removed them before they were read.
	maxDeleted = 64 << 20
	// clockTick is how far the times of files may be behind the clock.
	clockTick = 10 * time.Millisecond
	// idleLine is how long a line may stay without its end before it is written.
	idleLine = time.Second
)

// stream is a log through all its rotations. Only the Follower's own goroutine
// reads it; another one adds new files.
type stream struct {
	Source
	warn func(error) // of a file that cannot be read

	mu    sync.Mutex
	files []*file // the oldest first; empty until there is a log
	since time.Time
	lost  int64 // bytes that were removed before they were read, not yet reported

	unreadable string // what was warned of last

	carry           []byte // of a line that began in files that are done with
	carryAt         record // where it began
	partial         int64  // bytes of an unfinished line at the end
	unfinishedSince time.Time
}

// current returns the file to read. It is final when nothing more comes to it, because
// supervisord has begun to write to the next one.
func (s *stream) current() (f *file, final bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.files) == 0 {
		return nil, false
	}
	if len(s.files) > 1 {
		size, _ := s.files[1].size()
		final = size > 0 || len(s.files) > 2
	}
	return s.files[0], final
}

// next closes the current file.
func (s *stream) next() (lost int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.files[0].Close()
	s.files = s.files[1:]
	lost, s.lost = s.lost, 0
	return lost
}

// read hands on whole lines until there are no more, or enough for now.
func (s *stream) read(buf *[]byte, out *batch) (more bool, err error) {
	for total := 0; total < maxRound; {
		f, final := s.current()
		if f == nil {
			return false, nil
		}
		n, err := f.ReadAt(*buf, f.offset)
		if err != nil && !errors.Is(err, io.EOF) {
			return false, err
		}
		data := (*buf)[:n]
		used, err := s.take(f, data, out)
		if err != nil {
			return false, err
		}
		total += used
		switch {
		case used > 0:
		case n == len(*buf): // the beginning of a long line
			*buf = make([]byte, maxLine)
		case final:
			s.keep(f, data)
			if lost := s.next(); lost > 0 {
				if err := out.note(s, lost); err != nil {
					return false, err
				}
			}
		default:
			s.atEnd(f, n)
			return false, nil
		}
	}
	return true, nil
}

// take writes the whole lines that data begins with, and returns their length.
func (s *stream) take(f *file, data []byte, out *batch) (used int, err error) {
	if len(s.carry) > 0 {
		end := bytes.IndexByte(data, '\n')
		if end < 0 && len(s.carry)+len(data) < maxLine {
			return 0, nil
		}
		if end < 0 {
			end = len(data) - 1
		}
		line := append(s.carry, data[:end+1]...)
		s.carry = nil
		f.offset += int64(end + 1)
		return end + 1, out.add(s, line)
	}
	end := bytes.LastIndexByte(data, '\n') + 1
	if end == 0 && len(data) == maxLine {
		end = len(data)
	}
	if end == 0 {
		return 0, nil
	}
	f.offset += int64(end)
	s.partial = 0
	return end, out.add(s, data[:end])
}

// keep keeps the beginning of a line whose rest is in the next file.
func (s *stream) keep(f *file, data []byte) {
	if len(data) == 0 {
		return
	}
	if len(s.carry) == 0 {
		s.carryAt = record{path: s.Path, inode: f.inode, offset: f.offset}
	}
	s.carry = append(s.carry, data...)
}

// atEnd notes since when the file has ended in an unfinished line. It begins anew with a
// file that was truncated.
func (s *stream) atEnd(f *file, unfinished int) {
	if size, _ := f.size(); size < f.offset {
		f.offset, s.partial = 0, 0
		return
	}
	if n := int64(unfinished + len(s.carry)); n != s.partial {
		s.partial, s.unfinishedSince = n, time.Now()
	}
}

// finish writes an unfinished line that has not changed since the deadline.
func (s *stream) finish(deadline time.Time, out *batch) error {
	f, _ := s.current()
	if s.partial == 0 || f == nil || s.unfinishedSince.After(deadline) {
		return nil
	}
	rest := make([]byte, max(0, s.partial-int64(len(s.carry))))
	n, err := f.ReadAt(rest, f.offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	line := append(s.carry, rest[:n]...)
	f.offset += int64(n)
	s.carry, s.partial = nil, 0
	return out.add(s, line)
}

// position is how far the log has been handed on.
func (s *stream) position() record {
	if len(s.carry) > 0 {
		return s.carryAt
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.files) == 0 {
		return record{path: s.Path}
	}
	return record{path: s.Path, inode: s.files[0].inode, offset: s.files[0].offset}
}
