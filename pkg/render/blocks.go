package render

import (
	"slices"
	"strings"
)

// blocks is the part of a file of logrotate's that says which logs it is about; see
// logrotate(8). Errors are left for logrotate to report.
type blocks struct {
	blocks  []block
	globals []string // the directives outside of blocks, by their first word
}

// block is `PATH ... { DIRECTIVE ... }`. Offsets are in bytes of the text.
type block struct {
	paths      []blockPath
	start, end int // from the first path to behind the }
	body       int // behind the {
	cut        int // how many of the paths are not rendered
	directives []string
	postrotate span // the body of the last one, if any
}

// blockPath is a path of a block's header, which may be a pattern.
type blockPath struct {
	path string // without quotes
	span
}

type span struct{ start, end int }

// parseBlocks never fails: it passes over what it does not understand.
func parseBlocks(text string) blocks {
	p := blockParser{text: text}
	for {
		p.skipBlanks()
		switch {
		case p.done():
			return p.result
		case strings.IndexByte(`/"'~`, p.text[p.at]) >= 0:
			p.block()
		default:
			p.directive(func(word string) { p.result.globals = append(p.result.globals, word) }, func(string, span) {})
		}
	}
}

type blockParser struct {
	text   string
	at     int
	result blocks
}

func (p *blockParser) done() bool { return p.at >= len(p.text) }

const blanks = " \t\r\n\v\f"

// skipBlanks skips comments too: a # behind a blank, up to the end of the line.
func (p *blockParser) skipBlanks() {
	for !p.done() {
		switch {
		case strings.IndexByte(blanks, p.text[p.at]) >= 0:
			p.at++
		case p.text[p.at] == '#':
			p.skipLine()
		default:
			return
		}
	}
}

func (p *blockParser) skipLine() {
	if n := strings.IndexByte(p.text[p.at:], '\n'); n >= 0 {
		p.at += n
		return
	}
	p.at = len(p.text)
}

// block reads a block from its first path to its end. A block that is not closed is
// left out.
func (p *blockParser) block() {
	b := block{start: p.at}
	for {
		p.skipBlanks()
		if p.done() {
			return
		}
		if c := p.text[p.at]; c == '{' || c == '}' {
			break
		}
		b.paths = append(b.paths, p.path())
	}
	if p.text[p.at] == '}' {
		p.at++
		return
	}
	p.at++
	b.body = p.at
	for {
		p.skipBlanks()
		if p.done() {
			return
		}
		if p.text[p.at] == '}' {
			p.at++
			b.end = p.at
			p.result.blocks = append(p.result.blocks, b)
			return
		}
		p.directive(func(word string) { b.directives = append(b.directives, word) }, func(word string, body span) {
			if word == "postrotate" {
				b.postrotate = body
			}
		})
	}
}

// path reads one path; quotes and backslashes are a shell's.
func (p *blockParser) path() blockPath {
	from := p.at
	var path strings.Builder
	var quote byte
	for ; !p.done(); p.at++ {
		c := p.text[p.at]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case c == '\\' && quote != '\'' && p.at+1 < len(p.text):
			p.at++
			path.WriteByte(p.text[p.at])
		case quote != 0:
			path.WriteByte(c)
		case c == '"' || c == '\'':
			quote = c
		case c == '{' || c == '}' || strings.IndexByte(blanks, c) >= 0:
			return blockPath{path.String(), span{from, p.at}}
		default:
			path.WriteByte(c)
		}
	}
	return blockPath{path.String(), span{from, p.at}}
}

// flags are the directives without an argument: what follows in the same line is
// another one. The argument of any other is the rest of its line.
var flags = []string{
	"allowhardlink", "compress", "copy", "copytruncate", "daily", "dateext", "datehourago", "dateyesterday", "delaycompress",
	"hourly", "ifempty", "ignoreduplicates", "mailfirst", "maillast", "missingok", "monthly", "noallowhardlink", "nocompress",
	"nocopy", "nocopytruncate", "nocreate", "nocreateolddir", "nodateext", "nodatehourago", "nodateyesterday", "nodelaycompress",
	"nomail", "nomissingok", "noolddir", "norenamecopy", "nosharedscripts", "noshred", "notifempty", "renamecopy", "sharedscripts",
	"shred", "yearly",
}

// directive reads a directive, with its body where it is a script.
func (p *blockParser) directive(found func(word string), script func(word string, body span)) {
	from := p.at
	for !p.done() && strings.IndexByte(blanks+"={}", p.text[p.at]) < 0 {
		p.at++
	}
	word := p.text[from:p.at]
	if word != "" {
		found(word)
	}
	switch {
	case slices.Contains(flags, word):
	case slices.Contains(scriptStarts, word):
		p.skipLine()
		script(word, p.scriptBody())
	default:
		p.skipLine()
	}
}

// scriptBody reads the lines up to the one that says endscript.
func (p *blockParser) scriptBody() span {
	p.at = min(p.at+1, len(p.text)) // the newline
	body := span{start: p.at}
	for !p.done() {
		from := p.at
		p.skipLine()
		line := p.text[from:p.at]
		p.at = min(p.at+1, len(p.text))
		if words := strings.Fields(line); len(words) > 0 && words[0] == "endscript" {
			body.end = from
			return body
		}
	}
	body.end = len(p.text)
	return body
}
