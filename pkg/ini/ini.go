// Package ini reads and edits supervisord's configuration files: the dialect of
// Python's RawConfigParser as supervisord sets it up (continuation lines, `;`
// and `#` after a blank begin a comment). Files are edited by line, so that
// everything else stays as its author wrote it.
package ini

import (
	"slices"
	"strconv"
	"strings"
)

// File is a configuration file.
type File struct {
	Path     string
	Sections []Section
	Stray    []Part // lines that are no configuration, which the parser ends with

	lines []string
}

// Section is a section as it stands in one file.
type Section struct {
	Name    string // program:app
	Line    int    // of its header, from 1
	Options []Option

	indent string // of the first option: what stands before it must not be indented less
}

// Option is an option of a section.
type Option struct {
	Key   string // in lower case, as the parser has it
	Parts []Part // its value, by line
}

// Part is the part of a value that stands in one line, without comments.
type Part struct {
	Line int // from 1
	Text string
}

// Parse reads a file, and passes over lines that are no configuration.
func Parse(path, data string) *File {
	f := &File{Path: path, lines: strings.Split(strings.TrimSuffix(data, "\n"), "\n")}
	indent := 0         // of the current option
	var current *Option // that further indented lines continue
	for i, line := range f.lines {
		text := stripComment(line)
		trimmed := strings.TrimSpace(text)
		if trimmed == "" {
			continue
		}
		depth := len(text) - len(strings.TrimLeft(text, " \t"))
		if current != nil && depth > indent {
			current.Parts = append(current.Parts, Part{i + 1, trimmed})
			continue
		}
		indent, current = depth, nil
		if name, _, closed := strings.Cut(trimmed, "]"); closed && trimmed[0] == '[' && name != "[" {
			f.Sections = append(f.Sections, Section{Name: name[1:], Line: i + 1})
			continue
		}
		at := strings.IndexAny(trimmed, "=:")
		if at <= 0 || len(f.Sections) == 0 {
			f.Stray = append(f.Stray, Part{i + 1, trimmed})
			continue
		}
		s := &f.Sections[len(f.Sections)-1]
		if len(s.Options) == 0 {
			s.indent = text[:depth]
		}
		s.Options = append(s.Options, Option{
			Key:   strings.ToLower(strings.TrimSpace(trimmed[:at])),
			Parts: []Part{{i + 1, strings.TrimSpace(trimmed[at+1:])}},
		})
		current = &s.Options[len(s.Options)-1]
	}
	return f
}

func stripComment(line string) string {
	for i := range len(line) {
		if (line[i] == ';' || line[i] == '#') && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
			return line[:i]
		}
	}
	return line
}

// Set makes value the value of a key of one of the file's sections. It is for
// writing: the file has to be parsed again to be read.
func (f *File) Set(s Section, key, value string) {
	for _, o := range s.Options {
		if o.Key == key {
			for _, p := range o.Parts {
				f.lines[p.Line-1] = ""
			}
		}
	}
	f.lines[s.Line-1] += "\n" + s.indent + key + " = " + strings.ReplaceAll(value, "\n", "\n"+s.indent+"\t")
}

// Append adds lines to the end.
func (f *File) Append(lines ...string) { f.lines = append(f.lines, lines...) }

func (f *File) String() string { return strings.Join(f.lines, "\n") + "\n" }

// Has reports whether a section of one of these names is there.
func (f *File) Has(names ...string) bool {
	return slices.ContainsFunc(f.Sections, func(s Section) bool { return slices.Contains(names, s.ID()) })
}

// Get returns the last value of a key, as the parser does, with its lines
// joined by newlines, and the line that it begins in.
func (s Section) Get(key string) (value string, line int, ok bool) {
	for _, o := range s.Options {
		if o.Key == key {
			texts := make([]string, len(o.Parts))
			for i, p := range o.Parts {
				texts[i] = p.Text
			}
			value, line, ok = strings.Join(texts, "\n"), o.Parts[0].Line, true
		}
	}
	return value, line, ok
}

// ID is the section's name as supervisord takes it: without blanks around what
// [program: app ] names.
func (s Section) ID() string {
	kind, name, named := strings.Cut(s.Name, ":")
	if !named {
		return s.Name
	}
	return kind + ":" + strings.TrimSpace(name)
}

// Kind is what stands before the colon of a section's name: program in
// [program:app].
func (s Section) Kind() string {
	kind, _, _ := strings.Cut(s.Name, ":")
	return kind
}

// IsProgram reports whether supervisord runs processes for the section.
func (s Section) IsProgram() bool {
	return slices.Contains([]string{"program", "eventlistener", "fcgi-program"}, s.Kind())
}

// Processes is how many processes the section stands for. Their number may be
// written with names that lookup knows (see ExpandEnv).
func (s Section) Processes(lookup func(name string) (string, bool)) int {
	if !s.IsProgram() {
		return 0
	}
	value, _, _ := s.Get("numprocs")
	if n, err := strconv.Atoi(ExpandEnv(value, lookup)); err == nil && n > 0 {
		return n
	}
	return 1
}

// ExpandEnv expands `%(ENV_NAME)s`. Names that lookup does not know stay.
func ExpandEnv(value string, lookup func(name string) (string, bool)) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(value, "%(ENV_")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		name, after, closed := strings.Cut(rest, ")s")
		if !closed {
			b.WriteString("%(ENV_" + rest)
			return b.String()
		}
		if v, ok := lookup(name); ok {
			b.WriteString(v)
		} else {
			b.WriteString("%(ENV_" + name + ")s")
		}
		value = after
	}
}
