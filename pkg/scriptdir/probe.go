package scriptdir

import (
	"path"
	"strings"
)

// ProbePrefix is what the names of probes begin with; the rest, without its
// extension, is the program that is probed.
const ProbePrefix = "check-"

// Probe is a file of a probe directory.
type Probe struct {
	File
	Program string
}

// Probes returns the probes of a directory, by name. Files whose names do not begin
// with check- are helpers of probes. An empty file is a probe that is switched off.
func Probes(dir string) ([]Probe, error) {
	files, err := Find(dir)
	if err != nil {
		return nil, err
	}
	var found []Probe
	for _, f := range files {
		name, ok := strings.CutPrefix(f.Name, ProbePrefix)
		if !ok || f.Empty {
			continue
		}
		found = append(found, Probe{f, strings.TrimSuffix(name, path.Ext(name))})
	}
	return found, nil
}
