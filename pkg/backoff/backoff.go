// Package backoff is the pause before a program that has ended is started again. It grows
// with each end, as that of Kubernetes does (CrashLoopBackOff).
//
// supervisord starts such a program at once, and nothing can hold it back. So where a
// pause is wanted, the start renders `autorestart = false`, and in an option that
// supervisord passes over what autorestart was. The event listener starts the program
// (package starter), and keeps a record, which others read:
//
//	health/programs/NAME.pause
package backoff

import (
	"encoding/json"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/abrander/go-supervisord"

	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/supervisor"
	"github.com/ZPascal/container-manager/pkg/supervisorconf"
)

// Key is the option that says what autorestart was: true or unexpected.
const Key = "autorestart_with_pause"

// The values of autorestart with which supervisord starts a program again.
const (
	Always     = "true"
	Unexpected = "unexpected"
)

// Autorestart returns which ends of a section's programs lead to another start: Always,
// Unexpected, or "" for none and for what supervisord does not take. A rendered section is
// read as its author wrote it.
func Autorestart(s *supervisorconf.Section) string {
	if paused, ok := s.Get(Key); ok {
		return paused
	}
	switch {
	case strings.EqualFold(s.Value("autorestart", Unexpected), Unexpected):
		return Unexpected
	case s.IsTrue("autorestart", ""):
		return Always
	}
	return ""
}

// StartsAgain reports whether an end leads to another start.
func StartsAgain(s *supervisorconf.Section, expected bool) bool {
	switch Autorestart(s) {
	case Always:
		return true
	case Unexpected:
		return !expected
	}
	return false
}

// IsPaused reports whether the event listener starts a section's programs again, and not
// supervisord.
func IsPaused(s *supervisorconf.Section) bool { return s != nil && s.Option(Key) != nil }

const (
	// first is the pause before the second start in a row. Each further one is twice as
	// long.
	first = time.Second
	// calm is how long a program has to live until its next end counts as the first.
	calm = 10 * time.Minute
)

// Record is what is known of the pauses of a program.
type Record struct {
	InARow int       `json:"in_a_row"`      // ends, none of which came long after the start
	Next   time.Time `json:"next,omitzero"` // when it is started again; zero where it is not in a pause
}

// Ended returns the record after an end, for a program that has lived so long. The longest
// pause is limit.
func (r Record) Ended(now time.Time, lived, limit time.Duration) Record {
	if lived >= calm {
		r.InARow = 0
	}
	r.InARow++
	r.Next = now.Add(pause(r.InARow, limit))
	return r
}

// pause is how long to wait after the nth end in a row.
func pause(n int, limit time.Duration) time.Duration {
	if n < 2 {
		return 0
	}
	p := first
	for i := 2; i < n && p < limit; i++ {
		p *= 2
	}
	return min(p, limit)
}

// Left is how much of the pause is left. A clock that was set back makes no pause longer.
func (r Record) Left(now time.Time, limit time.Duration) time.Duration {
	return min(max(0, r.Next.Sub(now)), limit)
}

// Text says it for people, as in "app starts again in 40s".
func (r Record) Text(now time.Time) string {
	return "starts again in " + max(0, r.Next.Sub(now)).Round(time.Second).String() + " (IMAGE_RESTART_BACKOFF)"
}

// IsOverdue reports whether nobody has started the program although the pause is over for
// good.
func (r Record) IsOverdue(now time.Time) bool { return now.Sub(r.Next) > time.Minute }

// Of returns the pause that a process is in; ok is false when it is in none.
func Of(runDir string, p supervisord.ProcessInfo) (r Record, ok bool) {
	if p.State != supervisord.StateExited {
		return r, false
	}
	r = Load(runDir, supervisor.Name(p))
	return r, !r.Next.IsZero()
}

func path(runDir, program string) string {
	return filepath.Join(runDir, "health", "programs", url.PathEscape(program)+".pause")
}

// Load returns the record of a program, by its full name; an empty one when it was never
// in a pause, or the file is damaged.
func Load(runDir, program string) Record {
	var r Record
	data, err := fsutil.ReadFile(path(runDir, program))
	if err != nil || json.Unmarshal(data, &r) != nil || r.InARow < 0 {
		return Record{}
	}
	return r
}

// Write writes the record of a program.
func (r Record) Write(runDir, program string) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return fsutil.Replace(path(runDir, program), append(data, '\n'), 0o600)
}
