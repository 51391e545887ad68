package health

import (
	"encoding/json"
	"math"
	"net/url"
	"path/filepath"
	"slices"
	"time"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/fsutil"
)

// Record is what is known of the restarts of a program.
type Record struct {
	Restarts int       `json:"restarts"` // in the life of the container
	Last     time.Time `json:"last"`     // when the last one ended
	Why      string    `json:"why"`      // of the last one
	Failed   string    `json:"failed,omitempty"`
	// Reasons count the restarts by who has asked: liveness, readiness or person.
	Reasons map[string]int `json:"reasons,omitempty"`
	// InARow counts the restarts by checks that came soon after one another.
	InARow int `json:"in_a_row"`
	// ByCheck are the last restarts by checks, oldest first.
	ByCheck []time.Time `json:"by_check,omitempty"`
}

func recordPath(c config.Config, program string) string {
	return filepath.Join(programDir(c), url.PathEscape(program)+".json")
}

// ReadRecord returns what is known of the restarts of a program, by its full
// name; nothing when its file is damaged.
func ReadRecord(c config.Config, program string) Record {
	var r Record
	data, err := fsutil.ReadFile(recordPath(c, program))
	if err != nil || json.Unmarshal(data, &r) != nil || min(r.Restarts, r.InARow) < 0 || max(r.Restarts, r.InARow) == math.MaxInt {
		return Record{}
	}
	return r
}

func (r Record) write(c config.Config, program string) error {
	return writeJSON(recordPath(c, program), r)
}

// The time between two restarts of a program by checks doubles from firstDelay
// up to maxDelay, and begins anew once the program has been left alone for
// forgiveness times as long as it had to wait.
const (
	firstDelay  = 2 * time.Second
	maxDelay    = 5 * time.Minute
	forgiveness = 10
)

// delay is how long a check has to wait after the last restart of a program before it
// may restart it again.
func (r Record) delay() time.Duration {
	d := firstDelay
	for i := 1; i < r.InARow && d < maxDelay; i++ {
		d *= 2
	}
	return min(d, maxDelay)
}

// wait is how much of that delay is left. It is 0 when the clock was set back since.
func (r Record) wait(now time.Time) time.Duration {
	gone := now.Sub(r.Last)
	if r.InARow == 0 || gone < 0 || gone >= r.delay() {
		return 0
	}
	return r.delay() - gone
}

// restarted returns the record with one more restart. A restart that a person asks for
// does not add to InARow.
func (r Record) restarted(now time.Time, why string, byCheck bool) Record {
	switch {
	case !byCheck:
	case now.Sub(r.Last) > forgiveness*r.delay():
		r.InARow = 1
	default:
		r.InARow++
	}
	if byCheck {
		r.ByCheck = append(r.ByCheck, now)
		r.ByCheck = r.ByCheck[max(0, len(r.ByCheck)-config.MaxRate):]
	}
	return Record{Restarts: r.Restarts + 1, Last: now, Why: why, InARow: r.InARow, ByCheck: r.ByCheck, Reasons: r.Reasons}
}

// ByPerson is the reason of a restart that no check has asked for.
const ByPerson = "person"

// count counts a restart under its reason.
func (r *Record) count(check Kind) {
	reason := ByPerson
	if slices.Contains(Kinds(), check) {
		reason = string(check)
	}
	if r.Reasons == nil {
		r.Reasons = map[string]int{}
	}
	r.Reasons[reason]++
}
