package startorder

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/abrander/go-supervisord"

	"github.com/ZPascal/container-manager/pkg/scriptdir"
	"github.com/ZPascal/container-manager/pkg/supervisor"
	"github.com/ZPascal/container-manager/pkg/supervisorconf"
)

type reader struct {
	order    Order
	all      []supervisord.ProcessInfo
	probes   []string
	problems []Problem
}

func (r *reader) problem(path string, line int, format string, args ...any) {
	r.problems = append(r.problems, Problem{path, line, fmt.Sprintf(format, args...)})
}

// section reads what the processes of a section wait for.
func (r *reader) section(s *supervisorconf.Section) {
	d := Dependent{Section: s, Starts: s.IsTrue("autostart", "true")}
	for name, p := range r.order.processes {
		if p.Section == s {
			d.Processes = append(d.Processes, name)
		}
	}
	slices.Sort(d.Processes)
	keys := []string{Key}
	if s.IsTrue(PluginKey, "") {
		d.Starts = true // the plugin wants autostart to be off
		keys = append(keys, PluginNeedsKey)
	}
	for _, key := range keys {
		d.Needs = append(d.Needs, r.needs(s, key)...)
	}
	if len(d.Needs) > 0 && s.Kind() == "eventlistener" {
		path, line := s.Place(keys[len(keys)-1])
		r.problem(path, line, "[%s]: an event listener waits for no program: supervisord starts it first", s.Name)
	}
	r.order.Dependents = append(r.order.Dependents, d)
}

// needs reads an option: names with blanks or commas between them.
func (r *reader) needs(s *supervisorconf.Section, key string) []Need {
	o := s.Option(key)
	if o == nil {
		return nil
	}
	var needs []Need
	for _, part := range o.Parts {
		words := strings.FieldsFunc(r.order.conf.Expand(part.Text), func(c rune) bool { return c == ',' || unicode.IsSpace(c) })
		for _, word := range words {
			n, err := r.need(word)
			if err != nil {
				r.problem(o.Block.File.Path, part.Line, "%s: %v", key, err)
				continue
			}
			needs = append(needs, n)
		}
	}
	return needs
}

// need reads one name with or without a condition.
func (r *reader) need(word string) (n Need, err error) {
	n.Name = word
	if i := strings.LastIndexByte(word, ':'); i >= 0 {
		switch c := Condition(word[i+1:]); c {
		case Running, Healthy, Completed, Exited:
			n.Name, n.Condition = word[:i], c
		}
	}
	if n.Processes = r.named(n.Name); len(n.Processes) == 0 {
		return n, fmt.Errorf("%q names no program: expected NAME, GROUP:NAME or GROUP, and behind it nothing, :running, :healthy or :completed", word)
	}
	for _, program := range r.probes {
		if slices.Equal(r.named(program), n.Processes) {
			n.Probe = program
		}
	}
	switch {
	case n.Condition == Healthy && n.Probe == "":
		return n, fmt.Errorf("%q wants a readiness probe of %s, and there is none: add %s%s.sh to IMAGE_HEALTH_READINESS_DIR, or say :running",
			word, n.Name, scriptdir.ProbePrefix, n.Name)
	case n.Condition == "" && n.Probe != "":
		n.Condition = Healthy
	case n.Condition == "":
		n.Condition = Running
	}
	return n, nil
}

// named returns the full names of the processes that a name stands for, sorted.
func (r *reader) named(name string) []string {
	var names []string
	for _, p := range supervisor.Select(r.all, name) {
		names = append(names, supervisor.Name(p))
	}
	slices.Sort(names)
	return names
}

// cycles reports programs that wait for each other, each circle once.
func (r *reader) cycles() {
	c := cycles{reader: r, of: map[string]Dependent{}, done: map[string]bool{}}
	for _, d := range r.order.Dependents {
		for _, name := range d.Processes {
			c.of[name] = d
		}
	}
	for _, d := range r.order.Dependents {
		for _, name := range d.Processes {
			c.visit(name)
		}
	}
}

type cycles struct {
	*reader
	of   map[string]Dependent // by full name of a process
	path []string             // processes, of which each waits for the next
	done map[string]bool
}

// visit goes on along what a process waits for.
func (c *cycles) visit(name string) {
	if i := slices.Index(c.path, name); i >= 0 {
		path, line := c.of[name].Section.Place(Key)
		c.problem(path, line, "%s: a circle, of which nothing could start: %s", Key, strings.Join(append(slices.Clone(c.path[i:]), name), " waits for "))
		return
	}
	if c.done[name] {
		return
	}
	c.path = append(c.path, name)
	for _, n := range c.of[name].Needs {
		for _, process := range n.Processes {
			c.visit(process)
		}
	}
	c.path = c.path[:len(c.path)-1]
	c.done[name] = true
}
