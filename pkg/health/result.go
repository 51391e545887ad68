package health

import (
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/scriptdir"
)

// Result is the last result of a probe.
type Result struct {
	Probe   string `json:"probe"` // its file's name
	Program string `json:"program"`
	Healthy bool   `json:"healthy"`
	// Failures is how often it has failed in a row, since its program was last
	// restarted for it.
	Failures int       `json:"failures"`
	Began    time.Time `json:"began"`
	Seconds  float64   `json:"seconds"` // how long it took
	// Message says how it failed with what it printed last, How without that, and Output is
	// the last line alone.
	Message string `json:"message,omitempty"`
	How     string `json:"how,omitempty"`
	Output  string `json:"output,omitempty"`
}

func resultPath(c config.Config, k Kind) string {
	return filepath.Join(c.RunDir, "health", string(k)+".json")
}

// results are the last results of the probes of a kind, by their names.
type results map[string]Result

// readResults returns the last results of a kind. A probe with a damaged result counts
// as one that has never run.
func readResults(c config.Config, k Kind) results {
	known := results{}
	data, err := fsutil.ReadFile(resultPath(c, k))
	if err != nil || json.Unmarshal(data, &known) != nil {
		return results{}
	}
	for name, r := range known {
		if r.Probe != name || r.Failures < 0 || r.Began.IsZero() {
			delete(known, name)
		}
	}
	return known
}

// write writes the results. Only the container's user may read them, because they quote
// what probes printed.
func (r results) write(c config.Config, k Kind) error { return writeJSON(resultPath(c, k), r) }

func writeJSON(path string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return fsutil.Replace(path, append(data, '\n'), 0o600)
}

// Results returns the last results of the image's probes, by name, and the names of
// the probes that have not run yet.
func Results(c config.Config, k Kind) (found []Result, none []string, err error) {
	all, err := scriptdir.Probes(k.probeDir(c))
	if err != nil {
		return nil, nil, err
	}
	known := readResults(c, k)
	for _, p := range all {
		if r, ok := known[p.Name]; ok {
			found = append(found, r)
		} else {
			none = append(none, p.Name)
		}
	}
	return found, none, nil
}
