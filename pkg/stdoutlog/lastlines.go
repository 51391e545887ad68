package stdoutlog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// blockSize is how much of a file is read at a time.
const blockSize = 64 << 10

// limit leaves the last n lines of a file, and returns how many lines it has found there. It
// reads from the end, unless the file is packed, or the lines before are wanted to tell
// how late the last ones are.
func (p *part) limit(n int, fromEnd bool) (lines int, err error) {
	if fromEnd && !p.isPacked() {
		p.from, lines, err = p.last(n)
	} else {
		lines, err = p.count()
	}
	p.skip = max(0, lines-n)
	return lines, err
}

// last returns where the last n lines begin, and how many there are. When n is 0 it is the
// last line all the same.
func (p *part) last(n int) (from int64, lines int, err error) {
	buf := make([]byte, blockSize)
	for at := p.size; at > 0; {
		block := buf[:min(at, blockSize)]
		at -= int64(len(block))
		switch _, err := p.ReadAt(block, at); {
		case errors.Is(err, io.EOF): // it was cut off meanwhile, as by copytruncate
			lines, err := p.count()
			return 0, lines, err
		case err != nil:
			return 0, 0, fmt.Errorf("%s: %w", p.path, err)
		}
		for i := bytes.LastIndexByte(block, '\n'); i >= 0; i = bytes.LastIndexByte(block[:i], '\n') {
			begin := at + int64(i) + 1
			if begin == p.size {
				continue // the end of the last line
			}
			if lines++; lines >= n {
				return begin, lines, nil
			}
		}
	}
	if p.size > 0 {
		lines++
	}
	return 0, lines, nil
}

// count counts the lines of a file, the last one also without its end.
func (p *part) count() (lines int, err error) {
	from, err := p.open()
	if err != nil {
		return 0, err
	}
	buf, last := make([]byte, blockSize), byte('\n')
	for {
		n, err := from.Read(buf)
		if n > 0 {
			lines, last = lines+bytes.Count(buf[:n], []byte{'\n'}), buf[n-1]
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) { // being packed just now
			if last != '\n' {
				lines++
			}
			return lines, nil
		}
		if err != nil {
			return lines, fmt.Errorf("%s: %w", p.path, err)
		}
	}
}
