package stdoutlog

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"time"
	"unicode/utf8"
)

// batch collects lines, and writes them when there are many.
type batch struct {
	out    *Output
	json   bool
	colour bool
	plain  bool         // the lines as they are
	commit func() error // called when everything that was added is written

	text []byte
	at   time.Time // of the lines, in JSON
}

// enough is how much is written at once.
const enough = 64 << 10

// add adds lines; the last may lack its end.
func (b *batch) add(s *stream, lines []byte) error {
	b.append(s.Source, lines)
	if len(b.text) < enough {
		return nil
	}
	return b.flush()
}

// note says that lines are missing.
func (b *batch) note(s *stream, lost int64) error {
	b.append(Source{Program: noteProgram, Stream: "stdout"},
		fmt.Appendf(nil, "%d bytes of %s (%s) were rotated away and removed before standard output took them", lost, s.Path, s.Program))
	return nil
}

const noteProgram = "container-manager"

func (b *batch) append(s Source, lines []byte) {
	prefix := b.prefix(s)
	for len(lines) > 0 {
		line := lines
		if end := bytes.IndexByte(lines, '\n'); end >= 0 {
			line, lines = lines[:end], lines[end+1:]
		} else {
			lines = nil
		}
		b.text = append(b.text, prefix...)
		if b.json {
			b.text = append(appendJSON(b.text, line), "\"}\n"...)
		} else {
			b.text = append(append(b.text, line...), '\n')
		}
	}
}

// prefix is what stands before each line of a source.
func (b *batch) prefix(s Source) []byte {
	if b.plain {
		return nil
	}
	if b.json {
		if b.at.IsZero() {
			b.at = time.Now()
		}
		prefix := fmt.Appendf(nil, `{"time":"%s","program":"`, b.at.Format(time.RFC3339Nano))
		return fmt.Appendf(appendJSON(prefix, []byte(s.Program)), `","stream":"%s","message":"`, s.Stream)
	}
	if b.colour {
		return fmt.Appendf(nil, "\x1b[1;%dm%s |\x1b[0m ", colourOf(s.Program), s.Program)
	}
	return []byte(s.Program + " | ")
}

// colourOf returns a program's colour, the same at every start. Red is for errors.
func colourOf(program string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(program))
	return 32 + int(h.Sum32()%5)
}

// flush writes everything, and waits until it is taken.
func (b *batch) flush() error {
	if len(b.text) == 0 {
		return nil
	}
	err := b.out.write(b.text)
	b.text, b.at = b.text[:0], time.Time{}
	if cap(b.text) > 2*maxLine { // after a line that was long
		b.text = nil
	}
	if err != nil {
		return err
	}
	return b.commit()
}

const hexDigits = "0123456789abcdef"

// appendJSON appends the inside of a JSON string. What is no UTF-8 becomes U+FFFD,
// as JSON has no way to say it.
func appendJSON(to, s []byte) []byte {
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			to = append(to, '\\', c)
		case c == '\t':
			to = append(to, '\\', 't')
		case c < ' ' || c == 0x7f:
			to = append(to, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		case c < utf8.RuneSelf:
			to = append(to, c)
		default:
			r, size := utf8.DecodeRune(s[i:])
			to = utf8.AppendRune(to, r) // U+FFFD stands for bytes that are not UTF-8
			i += size
			continue
		}
		i++
	}
	return to
}
