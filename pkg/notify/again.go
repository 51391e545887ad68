package notify

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ZPascal/container-manager/pkg/fsutil"
)

// An event that no script has taken stays in the spool under another name, and comes back
// under its own when it is due. So it survives whatever is killed, and those that come
// meanwhile are told before it.
const againSuffix = suffix + ".again"

const (
	// firstAgain is the time until an event that nobody has taken is told again. It doubles.
	firstAgain = time.Minute
	// maxTries is how often an event is told, within two hours.
	maxTries = 8
)

// again is how long an event waits after the nth time that it was told.
func again(n int) time.Duration { return firstAgain << (max(1, min(n, maxTries)) - 1) }

// postpone lets an event wait that nobody has taken; ok is false when it has been told often
// enough, or there is no room. The event itself is still in the spool.
func postpone(dir, name string, e Event) (wait time.Duration, ok bool) {
	e.Tries++
	waiting, _ := postponed(dir)
	if e.Tries >= maxTries || len(waiting) >= maxSpool {
		return 0, false
	}
	data, err := json.Marshal(e)
	if err == nil {
		err = fsutil.Replace(filepath.Join(dir, strings.TrimSuffix(name, suffix)+againSuffix), append(data, '\n'), 0o644)
	}
	return again(e.Tries), err == nil
}

// postponed returns the paths of the events that wait to be told again.
func postponed(dir string) ([]string, error) {
	return filepath.Glob(filepath.Join(dir, "[0-9]*"+againSuffix))
}

// recall puts the events back that are due, and returns how long the next one waits; ok is
// false when there is none.
func recall(dir string, now time.Time) (next time.Duration, ok bool) {
	waiting, _ := postponed(dir)
	for _, path := range waiting {
		left := untilDue(path, now)
		if left > 0 {
			if !ok || left < next {
				next, ok = left, true
			}
			continue
		}
		if err := os.Rename(path, strings.TrimSuffix(path, againSuffix)+suffix); err != nil {
			_ = os.Remove(path) // it would be due for good
		}
	}
	return next, ok
}

// untilDue is how long an event has to wait. It is due at once when the clock was set back.
func untilDue(path string, now time.Time) time.Duration {
	var e Event
	data, err := fsutil.ReadFile(path)
	info, statErr := os.Stat(path)
	if errors.Join(err, statErr) != nil || json.Unmarshal(data, &e) != nil {
		return 0 // the deliverer says what is wrong with it
	}
	gone := now.Sub(info.ModTime())
	if gone < 0 {
		return 0
	}
	return again(e.Tries) - gone
}
