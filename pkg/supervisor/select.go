package supervisor

import (
	"errors"
	"fmt"
	"strings"

	"github.com/abrander/go-supervisord"
)

// ErrUnknown says that supervisord has no program of a name.
var ErrUnknown = errors.New("supervisord has no program of this name")

// Select returns the processes that a name stands for: GROUP:NAME for one, GROUP:* for
// all of a group, and NAME for what is called so: a program, else the one process of
// that name in any group, else a whole group, such as that of a program with numprocs.
// It returns nothing for an unknown name, and for a name that could mean processes of
// different groups.
func Select(all []supervisord.ProcessInfo, name string) []supervisord.ProcessInfo {
	group, process, qualified := strings.Cut(name, ":")
	if qualified && (process == "*" || process == "") {
		return filter(all, func(p supervisord.ProcessInfo) bool { return p.Group == group })
	}
	if !qualified {
		process = name
	}
	exact := filter(all, func(p supervisord.ProcessInfo) bool { return p.Group == group && p.Name == process })
	if qualified || len(exact) > 0 {
		return exact
	}
	if named := filter(all, func(p supervisord.ProcessInfo) bool { return p.Name == name }); len(named) == 1 {
		return named
	}
	return filter(all, func(p supervisord.ProcessInfo) bool { return p.Group == name })
}

// SelectAll returns the processes that names stand for, each once. A name that stands
// for no process is ErrUnknown.
func SelectAll(all []supervisord.ProcessInfo, names []string) ([]supervisord.ProcessInfo, error) {
	var selected []supervisord.ProcessInfo
	seen := map[string]bool{}
	for _, name := range names {
		processes := Select(all, name)
		if len(processes) == 0 {
			return nil, fmt.Errorf("%q: %w (container-manager status lists all)", name, ErrUnknown)
		}
		for _, p := range processes {
			if !seen[Name(p)] {
				seen[Name(p)] = true
				selected = append(selected, p)
			}
		}
	}
	return selected, nil
}

func filter(all []supervisord.ProcessInfo, keep func(supervisord.ProcessInfo) bool) []supervisord.ProcessInfo {
	var kept []supervisord.ProcessInfo
	for _, p := range all {
		if keep(p) {
			kept = append(kept, p)
		}
	}
	return kept
}

// Stands reports whether name could stand for the process of that group and
// name; see Select.
func Stands(name, group, process string) bool {
	return process != "" && len(Select([]supervisord.ProcessInfo{{Group: group, Name: process}}, name)) > 0
}

// FullName is a process's name as supervisord takes it: NAME, or GROUP:NAME
// when they differ.
func FullName(group, name string) string {
	if group == name {
		return name
	}
	return group + ":" + name
}

// Name is a process's full name.
func Name(p supervisord.ProcessInfo) string { return FullName(p.Group, p.Name) }
