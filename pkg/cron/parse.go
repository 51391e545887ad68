package cron

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/ZPascal/container-manager/pkg/schedule"
)

// maxLine is half of what Linux takes as one argument, and far above what anybody
// writes. It bounds the memory for a file that is no crontab.
const maxLine = 64 << 10

// Parse reads a crontab; file is its name in the table and in errors. When lines
// of it are bad the error is Problems, and the table holds the others.
func Parse(r io.Reader, file string) (Table, error) {
	p := parser{file: file, schedules: map[string]schedule.Schedule{}, zones: map[string]*time.Location{}}
	in := bufio.NewReaderSize(r, maxLine)
	for {
		line, err := in.ReadSlice('\n')
		p.line++
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			p.bad(fmt.Errorf("is longer than %d bytes", maxLine))
			err = skipLine(in)
		case err == nil || errors.Is(err, io.EOF):
			p.bad(p.parse(string(line)))
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read the crontab %s: %w", file, err)
		}
	}
	if len(p.problems) > 0 {
		return p.table, p.problems
	}
	return p.table, nil
}

// skipLine skips the rest of a line.
func skipLine(in *bufio.Reader) error {
	for {
		if _, err := in.ReadSlice('\n'); !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

// parser is how far a crontab has been read.
type parser struct {
	file     string
	line     int
	table    Table
	problems Problems

	// env only grows, and each entry holds the part that was there above it.
	env        []string
	tz, cronTZ *time.Location

	// title is the name that comments above the current line give to its job.
	title string

	// Many entries share their schedule or time zone, and each takes a while to parse.
	schedules map[string]schedule.Schedule
	zones     map[string]*time.Location
}

// bad notes why the current line cannot be used, if there is a reason.
func (p *parser) bad(err error) {
	if err != nil {
		p.problems = append(p.problems, Problem{p.file, p.line, err.Error()})
	}
}

func (p *parser) parse(line string) error {
	if p.line == 1 {
		line = strings.TrimPrefix(line, "\ufeff") // the byte order mark of some editors
	}
	line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
	line = strings.TrimLeftFunc(line, unicode.IsSpace)
	if line != "" && line[0] == '#' {
		if name, ok := cutNameComment(line); ok {
			p.title = name
		}
		return nil
	}
	title := p.title
	p.title = ""
	switch {
	case line == "":
		return nil
	case strings.IndexByte(line, 0) >= 0:
		return errors.New("holds a NUL byte")
	}
	if name, value, ok := cutAssignment(line); ok {
		return p.assign(name, value)
	}
	return p.entry(line, title)
}

func (p *parser) schedule(spec string) (schedule.Schedule, error) {
	if s, ok := p.schedules[spec]; ok {
		return s, nil
	}
	s, err := schedule.Parse(spec)
	if err == nil {
		p.schedules[spec] = s
	}
	return s, err
}

func (p *parser) entry(line, title string) error {
	if prefix, behind := cutWords(line, 1); strings.HasPrefix(prefix, nameWord) {
		title = strings.TrimPrefix(prefix, nameWord)
		if err := checkName(title); err != nil {
			return err
		}
		line = behind
	}
	zone := p.tz
	if p.cronTZ != nil {
		zone = p.cronTZ
	}
	rest := line
	if prefix, behind := cutWords(line, 1); strings.HasPrefix(prefix, "TZ=") || strings.HasPrefix(prefix, "CRON_TZ=") {
		variable, name, _ := strings.Cut(prefix, "=")
		var err error
		if zone, err = p.zone(variable, name); err != nil {
			return err
		}
		rest = behind
	}
	spec, command := cutWords(rest, specWords(rest))
	when, err := p.schedule(spec)
	if err != nil {
		return err
	}
	if command == "" {
		return fmt.Errorf("no command behind the schedule %q", spec)
	}
	p.table = append(p.table, Entry{
		File: p.file, Line: p.line, Spec: strings.TrimSpace(line[:len(line)-len(command)]),
		Schedule: when.In(zone), Command: command, Env: p.env[:len(p.env):len(p.env)], Title: title,
	})
	return nil
}

// specWords is how many words of an entry are its schedule.
func specWords(entry string) int {
	word, _ := cutWords(entry, 1)
	switch {
	case word == "@every":
		return 2
	case strings.HasPrefix(word, "@"):
		return 1
	}
	return 5
}

// cutWords cuts s behind its first n words.
func cutWords(s string, n int) (words, rest string) {
	end := 0
	for range n {
		start := strings.IndexFunc(s[end:], isNoSpace)
		if start < 0 {
			break
		}
		end += start
		length := strings.IndexFunc(s[end:], unicode.IsSpace)
		if length < 0 {
			return s, ""
		}
		end += length
	}
	return s[:end], strings.TrimLeftFunc(s[end:], unicode.IsSpace)
}

func isNoSpace(r rune) bool { return !unicode.IsSpace(r) }
