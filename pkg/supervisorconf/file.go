package supervisorconf

import (
	"slices"
	"strings"
)

// File is one file of the configuration. It is edited by line, so that everything
// else stays as its author wrote it.
type File struct {
	Path   string
	Blocks []*Block
	Stray  []Part // lines that are no configuration, which supervisord's parser ends with

	lines []string
}

// Block is a section as it stands in one file.
type Block struct {
	Name    string // program:app
	File    *File
	Line    int // of its header, from 1
	Options []Option

	indent string // of the first option, or of the next section: an added option must be indented as much
}

// Option is an option of a block.
type Option struct {
	Key   string // in lower case, as the parser has it
	Parts []Part // its value, by line
	Block *Block

	added bool // by Set: it is written below the header
}

// Part is the part of a value that stands in one line, without comments.
type Part struct {
	Line int // from 1
	Text string
}

// parse reads a file, and passes over lines that are no configuration. The dialect
// is that of Python's RawConfigParser as supervisord sets it up: continuation
// lines, and `;` or `#` after a blank begins a comment.
func parse(path, data string) *File {
	f := &File{Path: path}
	f.append(strings.Split(strings.TrimSuffix(data, "\n"), "\n"))
	return f
}

// append adds lines to the end, and reads them.
func (f *File) append(lines []string) {
	first := len(f.lines) + 1
	f.lines = append(f.lines, lines...)
	indent := 0 // of the option that further indented lines continue
	var block *Block
	var current *Option
	for i, line := range lines {
		text := stripComment(line)
		trimmed := strings.TrimSpace(text)
		if trimmed == "" {
			continue
		}
		depth := len(text) - len(strings.TrimLeft(text, " \t"))
		if current != nil && depth > indent {
			current.Parts = append(current.Parts, Part{first + i, trimmed})
			continue
		}
		indent, current = depth, nil
		if name, _, closed := strings.Cut(trimmed, "]"); closed && trimmed[0] == '[' && name != "[" {
			if block != nil && len(block.Options) == 0 {
				block.indent = text[:depth]
			}
			block = &Block{Name: name[1:], File: f, Line: first + i}
			f.Blocks = append(f.Blocks, block)
			continue
		}
		at := strings.IndexAny(trimmed, "=:")
		if at <= 0 || block == nil {
			f.Stray = append(f.Stray, Part{first + i, trimmed})
			continue
		}
		if len(block.Options) == 0 {
			block.indent = text[:depth]
		}
		block.Options = append(block.Options, Option{
			Key:   strings.ToLower(strings.TrimSpace(trimmed[:at])),
			Parts: []Part{{first + i, strings.TrimSpace(trimmed[at+1:])}},
			Block: block,
		})
		current = &block.Options[len(block.Options)-1]
	}
}

func stripComment(line string) string {
	for i := range len(line) {
		if (line[i] == ';' || line[i] == '#') && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
			return line[:i]
		}
	}
	return line
}

// IsPlain reports whether a value can be written as it is: no part of it would be
// read as a comment, as another line or as a blank around it.
func IsPlain(value string) bool {
	return strings.TrimSpace(value) == value && !strings.ContainsAny(value, "\n\r") && stripComment(" "+value) == " "+value
}

// remove takes an option out.
func (b *Block) remove(key string) {
	b.Options = slices.DeleteFunc(b.Options, func(o Option) bool {
		if o.Key != key {
			return false
		}
		for _, p := range o.Parts {
			if !o.added {
				b.File.lines[p.Line-1] = ""
			}
		}
		return true
	})
}

// add adds an option, whose line is the header's.
func (b *Block) add(key, value string) {
	o := Option{Key: key, Block: b, added: true}
	for text := range strings.SplitSeq(value, "\n") {
		o.Parts = append(o.Parts, Part{b.Line, text})
	}
	b.Options = append(b.Options, o)
}

// Option returns the last option with the key, which is the one that counts, or nil.
func (b *Block) Option(key string) *Option {
	for i := range slices.Backward(b.Options) {
		if b.Options[i].Key == key {
			return &b.Options[i]
		}
	}
	return nil
}

// Value is the option's value with its lines joined by newlines.
func (o Option) Value() string { return o.join("\n") }

func (o Option) join(separator string) string {
	texts := make([]string, len(o.Parts))
	for i, p := range o.Parts {
		texts[i] = p.Text
	}
	return strings.Join(texts, separator)
}

// String is the edited file.
func (f *File) String() string {
	var out strings.Builder
	blocks := f.Blocks
	for i, line := range f.lines {
		out.WriteString(line + "\n")
		if len(blocks) == 0 || blocks[0].Line != i+1 {
			continue
		}
		b := blocks[0]
		blocks = blocks[1:]
		for _, o := range b.Options {
			if o.added {
				out.WriteString(b.indent + o.Key + " = " + o.join("\n"+b.indent+"\t") + "\n")
			}
		}
	}
	return out.String()
}
