package stdoutlog

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
)

// AllLines is a number of lines that no log has.
const AllLines = -1

// Past writes what logs hold, over their rotations.
type Past struct {
	Sources []Source
	Out     *Output
	Plain   bool // the lines as they are, without a name
	Colour  bool
	Lines   int       // of each log, the last ones
	Since   time.Time // leaves out older lines; the zero time leaves out none
	// Zone is the time zone of lines that do not tell theirs.
	Zone *time.Location
	// Follow leaves out a last line without its end, for a Follower that goes on from here.
	Follow bool
}

// Write writes the logs one after the other. For a Follower it records in a file of
// positions how far it has come.
func (p Past) Write(positions string) error {
	out := &batch{out: p.Out, colour: p.Colour, plain: p.Plain, commit: func() error { return nil }}
	var records []record
	for _, source := range resolve(p.Sources) {
		r, err := p.log(out, source)
		if err != nil {
			return err
		}
		records = append(records, r)
	}
	if err := out.flush(); err != nil || positions == "" {
		return err
	}
	return writeRecords(positions, records)
}

// part is what is to be shown of one file of a log.
type part struct {
	*os.File
	generation
	size int64 // more may come while it is read
	from int64 // what stands before is not wanted
	skip int   // lines from there on that are not wanted either
}

func (p part) isPacked() bool { return strings.HasSuffix(p.path, packedExt) }

// open returns the content up to the size. What comes meanwhile is left to a Follower.
func (p part) open() (io.Reader, error) {
	content := io.NewSectionReader(p.File, p.from, p.size-p.from)
	if !p.isPacked() {
		return content, nil
	}
	unpacked, err := gzip.NewReader(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.path, err)
	}
	return unpacked, nil
}

// log writes one log, and returns how far it has come.
func (p Past) log(out *batch, source Source) (record, error) {
	position := record{path: source.Path}
	parts, err := p.parts(source.Path)
	defer func() {
		for _, part := range parts {
			part.Close()
		}
	}()
	if err != nil {
		return position, err
	}
	begun := p.Since.IsZero()
	for i, part := range parts {
		end, err := p.part(out, source, part, i == len(parts)-1, &begun)
		if err != nil {
			return position, err
		}
		if part.number == 0 && !part.isPacked() {
			position.inode, position.offset = part.inode, end
		}
	}
	return position, nil
}

// parts opens the files that hold the last lines, the oldest first. It goes back from
// the newest until there are enough lines.
func (p Past) parts(path string) (parts []part, err error) {
	all, lines := settle(path, true), 0
	for i := len(all) - 1; i >= 0; i-- {
		g := all[i]
		if enough := p.Lines != AllLines && lines >= p.Lines; enough && g.number != 0 || g.mtime.Before(p.Since) && g.number != 0 {
			break
		}
		f, err := os.Open(g.path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // rotated away meanwhile
		}
		if err != nil {
			return parts, err
		}
		at := part{File: f, generation: g}
		parts = append([]part{at}, parts...)
		info, err := f.Stat()
		if err != nil {
			return parts, err
		}
		parts[0].size = info.Size()
		if p.Lines == AllLines {
			continue
		}
		n, err := parts[0].limit(p.Lines-lines, p.Since.IsZero())
		if err != nil {
			return parts, err
		}
		lines += n
	}
	return parts, nil
}

// part writes the lines of one file, and returns how far it has come. begun says whether
// a line was late enough; all later ones are then.
func (p Past) part(out *batch, source Source, from part, isLast bool, begun *bool) (end int64, err error) {
	content, err := from.open()
	if err != nil {
		return 0, err
	}
	end = from.from
	in := bufio.NewReaderSize(content, 64<<10)
	if !*begun {
		head, _ := in.Peek(64 << 10)
		*begun = !hasTimes(head, p.Zone) && !from.mtime.Before(p.Since)
	}
	for n := 0; ; n++ {
		line, err := in.ReadBytes('\n')
		ended := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !ended {
			return end, fmt.Errorf("%s: %w", from.path, err)
		}
		if len(line) == 0 || ended && isLast && p.Follow {
			return end, nil
		}
		end += int64(len(line))
		if !*begun {
			at, ok := lineTime(line, p.Zone)
			*begun = ok && !at.Before(p.Since)
		}
		if *begun && n >= from.skip {
			out.append(source, line)
		}
		if len(out.text) >= enough {
			if err := out.flush(); err != nil {
				return end, err
			}
		}
		if ended {
			return end, nil
		}
	}
}
