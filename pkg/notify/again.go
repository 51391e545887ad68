package notify

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// An event that no script has taken waits in the spool under another name, and gets its
// own back when it is due. Newer events need not wait for it. The name has the number of
// rounds that the event has been through, and the time of the file says since when it
// waits. So nothing has to be written, which a full disk would prevent.
//
//	STAMP-KIND.json         a new event
//	STAMP-KIND.2.json       one that was told twice, and not taken
//	STAMP-KIND.2.json.again the same, until it is due
const againSuffix = suffix + ".again"

const (
	// firstAgain is the time until an event that nobody has taken is told again. It doubles.
	firstAgain = time.Minute
	// maxRounds is how often an event is told, within a little more than two hours.
	maxRounds = 8
)

// again is how long an event waits after so many rounds.
func again(rounds int) time.Duration { return firstAgain << (max(1, min(rounds, maxRounds)) - 1) }

// rounds returns the name of an event without its end, and how many rounds it has been
// through.
func rounds(name string) (base string, n int) {
	name, _, _ = strings.Cut(name, suffix)
	base, number, _ := strings.Cut(name, ".")
	n, _ = strconv.Atoi(number) // 0 for none
	return base, n
}

// givenUp says why an event is not told again.
type givenUp string

func (g givenUp) Error() string { return string(g) }

// postpone lets an event wait after a round, and returns how long.
func postpone(dir, name string, now time.Time) (time.Duration, error) {
	base, n := rounds(name)
	n++
	switch waiting, _ := postponed(dir); {
	case n >= maxRounds:
		return 0, givenUp("no script has taken it for two hours")
	case len(waiting) >= maxSpool:
		return 0, givenUp(fmt.Sprintf("%d others wait already", len(waiting)))
	}
	path := filepath.Join(dir, name)
	if err := os.Chtimes(path, now, now); err != nil {
		return 0, err
	}
	return again(n), os.Rename(path, filepath.Join(dir, base+"."+strconv.Itoa(n)+againSuffix))
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
		if left <= 0 {
			if os.Rename(path, strings.TrimSuffix(path, againSuffix)+suffix) == nil {
				continue
			}
			left = firstAgain
		}
		if !ok || left < next {
			next, ok = left, true
		}
	}
	return next, ok
}

// untilDue is how long an event has to wait. It is due at once when the clock was set back.
func untilDue(path string, now time.Time) time.Duration {
	info, err := os.Stat(path)
	if err != nil {
		return firstAgain
	}
	gone := now.Sub(info.ModTime())
	if gone < 0 {
		return 0
	}
	_, n := rounds(filepath.Base(path))
	return again(n) - gone
}
