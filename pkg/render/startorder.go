package render

import (
	"path/filepath"
	"strconv"
	"strings"

	"github.com/ZPascal/container-manager/pkg/scriptdir"
	"github.com/ZPascal/container-manager/pkg/startorder"
	"github.com/ZPascal/container-manager/pkg/supervisorconf"
)

// startOrder makes supervisord leave programs that wait for others to the event
// listener, which reads from the result what each waits for.
func (r *renderer) startOrder(conf *supervisorconf.Conf) error {
	r.files = append(r.files, startorder.Path(r.RunDir))
	if !startorder.IsUsed(conf) {
		return nil
	}
	probes, err := scriptdir.Probes(r.ReadinessDir)
	if err != nil {
		return err
	}
	var probed []string
	for _, p := range probes {
		probed = append(probed, p.Program)
	}
	order, problems := startorder.Read(conf, probed)
	report := r.problem
	if len(r.open) > 0 { // a variable that is not set may be why
		report = r.openProblem
	}
	for _, p := range problems {
		report(p.Path, p.Line, "%s", p.Text)
	}
	if len(problems) > 0 {
		return nil
	}
	r.stopOrder(order)
	for _, d := range order.Dependents {
		r.editDependent(order, d)
	}
	if record := order.Record(); len(record) > 0 {
		if !r.editListener(conf) {
			for _, d := range order.Dependents {
				r.warnOf(d.Section, "[%s] waits for others: the container manager's own event listener would start it, which this image replaces", d.Section.Name)
			}
		}
		r.add(startorder.Path(r.RunDir), string(record.Encode()), private)
	}
	return nil
}

// editDependent writes what a program waits for with nothing left open. One that
// only a person starts waits for nothing, and one that waits for nothing
// supervisord starts itself.
func (r *renderer) editDependent(order startorder.Order, d startorder.Dependent) {
	waits := d.Starts && len(d.Needs) > 0
	for _, key := range startorder.Keys() {
		d.Section.Remove(key)
	}
	d.Section.Set("autostart", strconv.FormatBool(d.Starts && !waits))
	if !waits {
		return
	}
	d.Section.Set(startorder.Key, supervisorconf.EscapePercent(d.Text()))
	for _, n := range d.Needs {
		for _, name := range n.Processes {
			r.editNeeded(order, d, n, name)
		}
	}
}

// editNeeded looks at a process that another one waits for.
func (r *renderer) editNeeded(order startorder.Order, d startorder.Dependent, n startorder.Need, name string) {
	p, _ := order.Process(name)
	ends := n.Condition == startorder.Completed || n.Condition == startorder.Exited
	if _, set := p.Section.Get("startsecs"); ends && !set {
		// Otherwise supervisord takes an end within a second for a failed start.
		p.Section.Set("startsecs", "0")
	}
	if !p.Autostart && !startsInOrder(order, p) {
		r.warnOf(d.Section, "[%s] waits for %s, which does not start by itself (autostart is off)", d.Section.Name, name)
	}
}

// startsInOrder reports whether a process is started by the event listener.
func startsInOrder(order startorder.Order, p supervisorconf.Process) bool {
	for _, d := range order.Dependents {
		if d.Section == p.Section {
			return d.Starts
		}
	}
	return false
}

// stopOrder makes supervisord stop programs before those that they have waited for.
func (r *renderer) stopOrder(order startorder.Order) {
	priorities, ok := order.Priorities()
	if !ok {
		for _, d := range order.Dependents {
			r.warnOf(d.Section, "[%s] may stop after what it waits for: supervisord stops group after group, and groups wait for each other", d.Section.Name)
		}
		return
	}
	for s, priority := range priorities {
		s.Set("priority", strconv.Itoa(priority))
	}
}

// editListener makes supervisord tell the event listener of changes at once, and not
// only when the listener itself counts as RUNNING. A child image may have put its own
// in its place, which starts nothing: then it is not found.
func (r *renderer) editListener(conf *supervisorconf.Conf) (found bool) {
	const entry = "eventlistener.py"
	for _, s := range conf.Sections {
		command, _ := s.Get("command")
		if s.Kind() != "eventlistener" || !strings.Contains(command, "eventlistener") ||
			strings.Contains(command, entry) && !scriptdir.Inspect(filepath.Join(r.SupervisorDir, entry)).Builtin {
			continue
		}
		if _, set := s.Get("startsecs"); !set {
			s.Set("startsecs", "0")
		}
		return true
	}
	return false
}

// warnOf warns of a section.
func (r *renderer) warnOf(s *supervisorconf.Section, format string, args ...any) {
	r.warn(s.Blocks[0].File.Path, s.Blocks[0].Line, format, args...)
}
