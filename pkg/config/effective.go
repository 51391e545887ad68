package config

import (
	"cmp"
	"os"
	"slices"
	"strings"
)

// Origin says where the value of a variable comes from.
type Origin string

const (
	FromDefault    Origin = "default"
	FromImage      Origin = "image"               // our image's ENV, or a deployment that says the same
	FromDeployment Origin = "deployment or image" // a container cannot tell which of them has set it
	FromFile       Origin = "file"                // see FILE__NAME
	// FromEither is a default where nobody can tell what was set: the environment is not
	// the one that the container was created with.
	FromEither Origin = "default or image"
)

// Effective is a variable with the value that programs see.
type Effective struct {
	Name   string
	Value  string // of a secret, what may be shown of it
	Secret bool
	Origin Origin
	File   string // with FromFile, if it is known
}

// LoadEffective is LoadSaved, and tells of every variable where its value comes from, by
// name. It compares the environment that this process was given with the saved one.
// Variables that describe a process and not the container are left out.
func LoadEffective() (Config, []Effective, error) {
	given := map[string]string{}
	for _, entry := range os.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		given[name] = value
	}
	saved := readSaved(SavedPath(RunDir()))
	c, err := LoadSaved()
	if err != nil {
		return c, nil, err
	}
	o := origins{given: given, containers: isGiven(given, saved)}
	var all []Effective
	for _, entry := range c.Environ {
		name, value, _ := strings.Cut(entry, "=")
		if ofProcess(name) {
			continue
		}
		e := Effective{Name: name, Origin: o.of(name, value)}
		if e.Origin == FromFile {
			e.File = cmp.Or(os.Getenv("FILE__"+name), c.RedisPasswordFile)
		}
		e.Value, e.Secret = Masked(name, value)
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b Effective) int { return strings.Compare(a.Name, b.Name) })
	return c, all, nil
}

type origins struct {
	given      map[string]string
	containers bool // given is what the container was created with, and nothing else
}

func (o origins) of(name, value string) Origin {
	if fromFile(name) {
		return FromFile
	}
	original, known := originals()[name]
	isOriginal := known && (value == original || name == "TZ" && value == imageTimeZone)
	isDerived := known && value == os.ExpandEnv(defaultOf(name))
	switch {
	case !o.containers && (isOriginal || isDerived):
		return FromEither
	case o.containers && o.given[name] == "" && isDerived:
		return FromDefault
	case o.containers && o.given[name] != "" && isOriginal:
		return FromImage
	}
	return FromDeployment
}

// imageTimeZone is the one variable whose value in our images is not its default.
const imageTimeZone = "Europe/Berlin"

// originals are the variables with the values that they have when nothing is set.
func originals() map[string]string {
	all := map[string]string{}
	for _, v := range Variables() {
		all[v.Name] = os.Expand(v.Default, func(name string) string { return all[name] })
	}
	return all
}

// ofProcess reports whether a variable describes a process: the shell's, and those that
// supervisord gives to its programs.
func ofProcess(name string) bool {
	return unsaved[name] || strings.HasPrefix(name, "SUPERVISOR_") && name != "SUPERVISOR_LOGS_DIR"
}

// isGiven reports whether an environment is the one that the container was created with,
// which docker exec and kubelet give to a process. A process below the start has more:
// every variable is set. One that is called with an environment of its own has less.
func isGiven(given, saved map[string]string) bool {
	everySet := !slices.ContainsFunc(Variables(), func(v Variable) bool {
		_, set := given[v.Name]
		return !set && !v.optional()
	})
	if everySet {
		return false
	}
	known := originals()
	for name := range saved {
		_, isKnown := known[name]
		_, isSet := given[name]
		if !isKnown && !isSet && given["FILE__"+name] == "" {
			return false
		}
	}
	return true
}
