package notify

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ZPascal/container-manager/pkg/fsutil"
)

// told says when an event of each key was told last. It is a file in the spool.
type told map[string]telling

type telling struct {
	At     time.Time `json:"at"`
	Folded int       `json:"folded,omitempty"` // the same events since
	// Event is the last event that was taken into account. It is not counted again when
	// a deliverer was killed before it could remove it.
	Event string `json:"event"`
}

// maxTold bounds the file.
const maxTold = 500

func readTold(dir string) told {
	t := told{}
	data, err := fsutil.ReadFile(filepath.Join(dir, toldName))
	if err != nil || json.Unmarshal(data, &t) != nil || t == nil {
		return told{}
	}
	return t
}

// write forgets what no longer matters, and writes the rest.
func (t told) write(dir string, now time.Time, every time.Duration) error {
	for key, last := range t {
		if last.Folded == 0 && !last.recent(now, every) {
			delete(t, key)
		}
	}
	if len(t) > maxTold {
		keys := make([]string, 0, len(t))
		for key := range t {
			keys = append(keys, key)
		}
		slices.SortFunc(keys, func(a, b string) int {
			if c := t[a].At.Compare(t[b].At); c != 0 {
				return c
			}
			return strings.Compare(a, b)
		})
		for _, key := range keys[:len(t)-maxTold] {
			delete(t, key)
		}
	}
	data, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return fsutil.Replace(filepath.Join(dir, toldName), append(data, '\n'), 0o600)
}

// recent reports whether the same event is not to be told again yet. A time in the future
// comes from before the clock was set back, and does not count.
func (t telling) recent(now time.Time, every time.Duration) bool {
	gone := now.Sub(t.At)
	return gone >= 0 && gone < every
}
