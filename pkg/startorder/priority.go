package startorder

import (
	"strconv"

	"github.com/ZPascal/container-manager/pkg/supervisorconf"
)

const (
	priorityKey     = "priority"
	defaultPriority = 999 // supervisord's
)

// Priorities returns the priorities that make supervisord stop each program before
// those that it has waited for, where they are not so already: it stops what has
// the highest one first. supervisord stops group after group, so of programs in
// groups it is the group's that counts, and their own within it. ok is false when
// groups wait for each other: then there are none.
func (o Order) Priorities() (priorities map[*supervisorconf.Section]int, ok bool) {
	priorities = map[*supervisorconf.Section]int{}
	of := func(s *supervisorconf.Section) int {
		if p, known := priorities[s]; known {
			return p
		}
		if p, err := strconv.Atoi(s.Value(priorityKey, "")); err == nil {
			return p
		}
		return defaultPriority
	}
	for range len(o.conf.Sections) + 1 {
		changed := false
		o.eachPair(func(first, second *supervisorconf.Section) {
			if least := of(first) + 1; of(second) < least {
				priorities[second], changed = least, true
			}
		})
		if !changed {
			return priorities, true
		}
	}
	return nil, false
}

// eachPair calls f for two sections of which the second is to stop first.
func (o Order) eachPair(f func(first, second *supervisorconf.Section)) {
	for _, d := range o.Dependents {
		for _, n := range d.Needs {
			for _, need := range n.Processes {
				for _, name := range d.Processes {
					first, second := o.processes[need], o.processes[name]
					a, b := o.unit(first), o.unit(second)
					if a == b {
						a, b = first.Section, second.Section
					}
					if a != b {
						f(a, b)
					}
				}
			}
		}
	}
}

// unit is the section whose priority is that of a process's group.
func (o Order) unit(p supervisorconf.Process) *supervisorconf.Section {
	if s := o.conf.Section("group:" + p.Group); s != nil && p.Section.Kind() != "eventlistener" {
		return s
	}
	return p.Section
}
