package health

import (
	"path"
	"strings"

	"github.com/ZPascal/container-manager/pkg/scriptdir"
)

// probePrefix is what the names of probes begin with; the rest, without its
// extension, is the program that is probed.
const probePrefix = "check-"

// probe is a file of a probe directory.
type probe struct {
	scriptdir.File
	program string
}

// probes returns the probes of a directory, by name. Files whose names do not begin
// with check- are helpers of probes. An empty file is a probe that is switched off.
func probes(dir string) ([]probe, error) {
	files, err := scriptdir.Find(dir)
	if err != nil {
		return nil, err
	}
	var found []probe
	for _, f := range files {
		name, ok := strings.CutPrefix(f.Name, probePrefix)
		if !ok || f.Empty {
			continue
		}
		found = append(found, probe{f, strings.TrimSuffix(name, path.Ext(name))})
	}
	return found, nil
}
