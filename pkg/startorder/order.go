// Package startorder is the order in which programs start: what each of them
// waits for, as supervisord's configuration says it, and the record of those that
// still wait.
//
//	[program:web]
//	depends_on = db, migrate:completed
//
// supervisord passes over options that it does not know. The options of the plugin
// supervisord-dependent-startup, which other images use, mean the same here.
package startorder

import (
	"slices"
	"strings"

	"github.com/abrander/go-supervisord"

	"github.com/ZPascal/container-manager/pkg/supervisor"
	"github.com/ZPascal/container-manager/pkg/supervisorconf"
)

// Key is the option that names what a program waits for.
const Key = "depends_on"

// The plugin's options: that a program is started in order, and what it waits for.
const (
	PluginKey      = "dependent_startup"
	PluginNeedsKey = "dependent_startup_wait_for"
)

// Keys are all options of this package.
func Keys() []string { return []string{Key, PluginKey, PluginNeedsKey} }

// Condition is what a program has to be until others start.
type Condition string

// The conditions.
const (
	Running   Condition = "running"   // as supervisord says it: it has lived for its startsecs
	Healthy   Condition = "healthy"   // its readiness probe has passed
	Completed Condition = "completed" // it has ended with an expected exit status
	Exited    Condition = "exited"    // it has ended
)

// Need is one thing that a program waits for.
type Need struct {
	Name      string // as it is written
	Condition Condition
	Processes []string // full names of all that have to be so
	Probe     string   // program of the readiness probes; "" when there is none
}

// String says it for people: db (healthy).
func (n Need) String() string { return n.Name + " (" + string(n.Condition) + ")" }

// Dependent is a section whose processes wait for others.
type Dependent struct {
	Section   *supervisorconf.Section
	Processes []string // full names
	Needs     []Need
	// Starts is false for what only a person starts.
	Starts bool
}

// Text is the value of depends_on with nothing left open.
func (d Dependent) Text() string {
	var words []string
	for _, n := range d.Needs {
		words = append(words, n.Name+":"+string(n.Condition))
	}
	return strings.Join(words, ", ")
}

// Order is what all programs wait for.
type Order struct {
	Dependents []Dependent

	conf      *supervisorconf.Conf
	processes map[string]supervisorconf.Process // by full name
}

// Problem is what is wrong with an order.
type Problem struct {
	Path string
	Line int
	Text string
}

// IsUsed reports whether any program waits for another.
func IsUsed(conf *supervisorconf.Conf) bool {
	return slices.ContainsFunc(conf.Sections, func(s *supervisorconf.Section) bool { return s.IsProgram() && isUsed(s) })
}

func isUsed(s *supervisorconf.Section) bool {
	return s.Option(Key) != nil || s.Option(PluginKey) != nil
}

// Read returns what the programs of a configuration wait for. probes are the
// programs that have readiness probes.
func Read(conf *supervisorconf.Conf, probes []string) (Order, []Problem) {
	r := reader{order: Order{conf: conf, processes: map[string]supervisorconf.Process{}}, probes: probes}
	for _, p := range conf.Processes() {
		r.all = append(r.all, supervisord.ProcessInfo{Group: p.Group, Name: p.Name})
		r.order.processes[supervisor.FullName(p.Group, p.Name)] = p
	}
	for _, s := range conf.Sections {
		if s.IsProgram() && isUsed(s) {
			r.section(s)
		}
	}
	r.cycles()
	return r.order, r.problems
}

// Process returns what the configuration says of a process.
func (o Order) Process(name string) (supervisorconf.Process, bool) {
	p, ok := o.processes[name]
	return p, ok
}
