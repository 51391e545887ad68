package health

import (
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/fsutil"
)

// Result is what came of a probe.
type Result struct {
	Probe   string `json:"probe"` // its file's name
	Program string `json:"program"`
	Healthy bool   `json:"healthy"`
	// Failures is how often it has failed in a row, since its program was last
	// restarted for it.
	Failures int       `json:"failures"`
	Began    time.Time `json:"began"`
	Seconds  float64   `json:"seconds"` // that it took
	Message  string    `json:"message,omitempty"`
}

func resultPath(c config.Config, k Kind, probe string) string {
	return filepath.Join(resultDir(c, k), probe+".json")
}

// readResult returns the last result of a probe. Without one, or when its file
// is damaged, it is as if the probe had never run.
func readResult(c config.Config, k Kind, probe string) (Result, bool) {
	var r Result
	data, err := fsutil.ReadFile(resultPath(c, k, probe))
	if err != nil || json.Unmarshal(data, &r) != nil || r.Probe != probe || r.Began.IsZero() {
		return Result{}, false
	}
	return r, true
}

// write keeps the result. Only its user may read it: it quotes what the probe
// printed.
func (r Result) write(c config.Config, k Kind) error {
	return writeJSON(resultPath(c, k, r.Probe), r)
}

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

// Results returns the last results of the probes that there are, by name, and
// the names of those that have none.
func Results(c config.Config, k Kind) (results []Result, none []string, err error) {
	all, err := probes(k.probeDir(c))
	if err != nil {
		return nil, nil, err
	}
	for _, p := range all {
		if r, ok := readResult(c, k, p.Name); ok {
			results = append(results, r)
		} else {
			none = append(none, p.Name)
		}
	}
	return results, none, nil
}
