// Package supervisorconf is supervisord's configuration as supervisord reads it: the
// main file and those that it includes, with all sections of one name as one, in which
// the last value of an option counts. It knows in which file and line a value stands,
// and can set values; everything else in the files stays as it was written.
package supervisorconf

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/fsutil"
)

// Conf is the configuration.
type Conf struct {
	Files    []*File    // the main one first
	Sections []*Section // in the order in which they are read

	env         Lookup
	environment map[string]string // that [supervisord] adds to it
}

// Lookup returns a variable of the environment.
type Lookup func(name string) (value string, ok bool)

// Section is what supervisord makes of all blocks with one name. A nil Section is one
// that does not exist: its methods find no options.
type Section struct {
	Name   string
	Blocks []*Block // at least one

	conf *Conf
}

// Load reads the configuration that a supervisord would read with this main file in
// this environment. Patterns name files that are included before those that the
// file itself names; as there, they are relative to its directory.
func Load(path string, env Lookup, patterns ...string) (*Conf, error) {
	c := &Conf{env: env}
	main, err := read(path)
	if err != nil {
		return nil, err
	}
	c.add(main)
	patterns = append(patterns, strings.Fields(c.Section("include").Value("files", ""))...)
	for _, path := range included(filepath.Dir(path), patterns) {
		f, err := read(path)
		if errors.Is(err, unix.EISDIR) {
			continue
		}
		if err != nil {
			return nil, err
		}
		c.add(f)
	}
	c.environment = c.Section("supervisord").Environment()
	return c, nil
}

func read(path string) (*File, error) {
	data, err := fsutil.ReadFile(path)
	if err != nil {
		return nil, err
	}
	text := string(data)
	if strings.Contains(text, here) { // a rendered copy lies elsewhere
		text = strings.ReplaceAll(text, here, EscapePercent(filepath.Dir(path)))
	}
	return parse(path, text), nil
}

const here = "%(here)s"

// included returns the files that match the patterns, each once. A bad pattern matches
// no file. A hidden file matches only a pattern with a dot in front.
func included(dir string, patterns []string) []string {
	var files []string
	for _, pattern := range patterns {
		if !filepath.IsAbs(pattern) {
			pattern = filepath.Join(quotePattern(dir), pattern)
		}
		for _, path := range matches(pattern) {
			path = filepath.Clean(path)
			hidden := strings.HasPrefix(filepath.Base(path), ".") && !strings.HasPrefix(filepath.Base(pattern), ".")
			if !hidden && !slices.Contains(files, path) {
				files = append(files, path)
			}
		}
	}
	return files
}

// matches is filepath.Glob. Where only the last element is a pattern, as it mostly is, it
// reads the directory once, and does not ask whether that can be polled.
func matches(pattern string) (paths []string) {
	dir, base := filepath.Split(pattern)
	const special = `*?[\`
	if dir == "" || strings.ContainsAny(dir, special) || !strings.ContainsAny(base, special) {
		paths, _ = filepath.Glob(pattern)
		return paths
	}
	entries, _ := os.ReadDir(dir)
	for _, entry := range entries {
		if ok, _ := filepath.Match(base, entry.Name()); ok {
			paths = append(paths, dir+entry.Name())
		}
	}
	return paths
}

func quotePattern(dir string) string {
	if !strings.ContainsAny(dir, `*?[\`) {
		return dir
	}
	return strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`, `\`, `\\`).Replace(dir)
}

// add merges a file into the configuration. supervisord looks for [include] in the
// main file alone.
func (c *Conf) add(f *File) {
	c.Files = append(c.Files, f)
	for _, b := range f.Blocks {
		if b.Name != "include" || f == c.Files[0] {
			c.merge(b)
		}
	}
}

func (c *Conf) merge(b *Block) {
	i := slices.IndexFunc(c.Sections, func(s *Section) bool { return s.Name == b.Name })
	if i < 0 {
		i = len(c.Sections)
		c.Sections = append(c.Sections, &Section{Name: b.Name, conf: c})
	}
	c.Sections[i].Blocks = append(c.Sections[i].Blocks, b)
}

// Append adds a section to the main file.
func (c *Conf) Append(name string, options ...string) {
	f := c.Files[0]
	f.append(append([]string{"[" + name + "]"}, options...))
	c.merge(f.Blocks[len(f.Blocks)-1])
}

// Section returns a section by its name or ID; nil when it is not there.
func (c *Conf) Section(name string) *Section {
	for _, s := range c.Sections {
		if s.Name == name || s.ID() == name {
			return s
		}
	}
	return nil
}

// ID is the section's name as supervisord takes it: without blanks around what
// [program: app ] names.
func (s *Section) ID() string {
	kind, name, named := strings.Cut(s.Name, ":")
	if !named {
		return s.Name
	}
	return kind + ":" + strings.TrimSpace(name)
}

// Kind is what stands before the colon of a section's name: program in
// [program:app].
func (s *Section) Kind() string {
	kind, _, _ := strings.Cut(s.Name, ":")
	return kind
}

// IsProgram reports whether supervisord runs processes for the section.
func (s *Section) IsProgram() bool {
	return slices.Contains([]string{"program", "eventlistener", "fcgi-program"}, s.Kind())
}

// Option returns the option that counts among those with the key, or nil.
func (s *Section) Option(key string) *Option {
	if s == nil {
		return nil
	}
	for _, b := range slices.Backward(s.Blocks) {
		if o := b.Option(key); o != nil {
			return o
		}
	}
	return nil
}

// Options returns the options, each key once, with the value that counts.
func (s *Section) Options() []Option {
	var options []Option
	for _, b := range s.Blocks {
		for i, o := range b.Options {
			if &b.Options[i] == s.Option(o.Key) {
				options = append(options, o)
			}
		}
	}
	return options
}

// Get returns the value of a key as it is written.
func (s *Section) Get(key string) (value string, ok bool) {
	if o := s.Option(key); o != nil {
		return o.Value(), true
	}
	return "", false
}

// Value returns the value of a key as supervisord expands it, as far as that can be
// known (see Conf.Expand), or the other value.
func (s *Section) Value(key, otherwise string) string {
	if o := s.Option(key); o != nil {
		return s.conf.Expand(o.Value())
	}
	return otherwise
}

// Place returns where the value of a key begins, or the section.
func (s *Section) Place(key string) (path string, line int) {
	if o := s.Option(key); o != nil {
		return o.Block.File.Path, o.Parts[0].Line
	}
	return s.Blocks[0].File.Path, s.Blocks[0].Line
}

// Set makes value the only value of a key, in the last of the section's blocks.
func (s *Section) Set(key, value string) {
	s.Remove(key)
	s.Blocks[len(s.Blocks)-1].add(key, value)
}

// Remove takes a key out.
func (s *Section) Remove(key string) {
	for _, b := range s.Blocks {
		b.remove(key)
	}
}

// assignment is a name and its value in an environment option, as Python's shlex takes
// them apart. It is compiled when it is used, because most starts do not need it.
var assignment = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`([^\s=,"']+)\s*=\s*("[^"]*"|'[^']*'|[^\s,"']*)`)
})

// Environment returns the variables that the section's environment option sets.
func (s *Section) Environment() map[string]string {
	value, ok := s.Get("environment")
	if !ok {
		return nil
	}
	set := map[string]string{}
	for _, match := range assignment().FindAllStringSubmatch(value, -1) {
		set[match[1]] = s.conf.Expand(strings.Trim(match[2], `"'`))
	}
	return set
}

// Lookup returns a variable of the environment that supervisord's programs have.
func (c *Conf) Lookup(name string) (value string, ok bool) {
	if value, ok = c.environment[name]; ok {
		return value, true
	}
	return c.env(name)
}
