package setup

import (
	"errors"

	"github.com/ZPascal/container-manager/pkg/scriptdir"
)

// Step is what a start makes of a file in a directory of steps.
type Step struct {
	Name string
	// Runs is false for a file that is passed over; Fails is true for one that ends the
	// start.
	Runs, Fails bool
	What        string // what runs, or why it does not
}

// List says what a start makes of the files of a directory: first the steps in the order
// in which they run, then all others. register knows the built-in steps. needsBits says
// that a file without execute bits does not run: the start gives them to the files of its
// user, but only after the steps of every start.
func List(dir string, needsBits bool, register scriptdir.Register) ([]Step, error) {
	files, err := scriptdir.Find(dir)
	if err != nil {
		return nil, err
	}
	passed, err := scriptdir.Rest(dir)
	if err != nil {
		return nil, err
	}
	var steps, others []Step
	for _, f := range files {
		if isStep(f.Name) {
			steps = append(steps, listed(f, needsBits, register(f.Name) != nil))
		} else {
			others = append(others, Step{Name: f.Name, What: "the name of a step begins with a digit, or ends in .py"})
		}
	}
	for _, p := range passed {
		others = append(others, Step{Name: p.Name, What: p.Why})
	}
	return append(steps, others...), nil
}

// listed is what the start makes of a step. isBuiltin says that there is a built-in one
// of its name.
func listed(f scriptdir.File, needsBits, isBuiltin bool) Step {
	s := Step{Name: f.Name, Runs: true}
	err := f.Check()
	if _, noBits := errors.AsType[*scriptdir.NotExecutableError](err); noBits && !needsBits {
		err = nil
	}
	switch {
	case f.Empty && isBuiltin:
		s.Runs, s.What = false, "is empty, which switches the built-in step off"
	case f.Empty:
		s.Runs, s.What = false, "is empty"
	case f.Builtin && isBuiltin:
		s.What = "built in"
	case f.Builtin:
		s.Fails, s.What = true, f.Path+": there is no built-in of this name: a script of your own begins with its interpreter, such as #!/bin/sh"
	case err != nil:
		s.Fails, s.What = true, err.Error()
	case f.Interpreter() != "":
		s.What = "script for " + f.Interpreter()
	default:
		s.What = "program"
	}
	if isBuiltin && !f.Empty && !f.Builtin && !s.Fails {
		s.What += ", in place of the built-in step"
	}
	return s
}
