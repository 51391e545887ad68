// Package crashes keeps a record of how often and how programs end by themselves.
// supervisord starts most of them again at once, and calls them RUNNING as soon as they
// have lived for their startsecs. It does not count how often they end after that.
//
// supervisord's event listener writes the records (Keeper), others read them (Load).
// They lie below IMAGE_RUN_DIR, one file for each program that has ended or was started again:
//
//	health/programs/NAME.ends
package crashes

import (
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/supervisorlog"
)

// Record is what is known of a program's ends in the life of the container. It does not
// count an end that was asked for, as by a restart.
type Record struct {
	Starts int  `json:"starts"` // that were tried
	Ends   int  `json:"ends"`
	Last   *End `json:"last,omitempty"`
	// Crashes are the last unexpected ends of a program that supervisord called RUNNING,
	// oldest first. An end before startsecs is not among them: supervisord itself counts
	// these, waits, and gives up.
	Crashes []time.Time `json:"crashes,omitempty"`
	// Told says that this loop is in the log already.
	Told bool `json:"told,omitempty"`
	// Finished are the last expected ends of a program that is started again all the same,
	// and FinishedTold says that the log tells of them already.
	Finished     []time.Time `json:"finished,omitempty"`
	FinishedTold bool        `json:"finished_told,omitempty"`
}

// End is one end of a program.
type End struct {
	At       time.Time `json:"at"`
	PID      int       `json:"pid,omitempty"`
	Expected bool      `json:"expected,omitempty"` // one of its exitcodes
	TooSoon  bool      `json:"too_soon,omitempty"` // before its startsecs
	// How it ended, when supervisord's log says so, and when that line was written.
	Known  bool           `json:"known,omitempty"`
	Status int            `json:"status,omitempty"`
	Signal syscall.Signal `json:"signal,omitempty"`
	Stamp  string         `json:"stamp,omitempty"`
}

func path(runDir, program string) string {
	return filepath.Join(runDir, "health", "programs", url.PathEscape(program)+".ends")
}

// Load returns the record of a program, by its full name; an empty one when it has
// not ended, or its file is damaged.
func Load(runDir, program string) Record {
	var r Record
	data, err := fsutil.ReadFile(path(runDir, program))
	if err != nil || json.Unmarshal(data, &r) != nil || r.Starts < 0 || r.Ends < 0 {
		return Record{}
	}
	return r
}

func (r Record) write(runDir, program string) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return fsutil.Replace(path(runDir, program), append(data, '\n'), 0o600)
}

// Loops reports whether the program has crashed as often as the limit says.
func (r Record) Loops(now time.Time, limit config.Rate) bool { return limit.Reached(now, r.Crashes) }

// Text says for people how the program ended last, and how often it has crashed within
// a time, as in "exited 1, 4s ago, 18 times in 5m".
func (r Record) Text(now time.Time, within time.Duration) string {
	if r.Last == nil {
		return ""
	}
	parts := []string{r.Last.String(), brief(max(0, now.Sub(r.Last.At))) + " ago"}
	n := config.CountWithin(now, within, r.Crashes)
	switch {
	case n == config.MaxRate:
		parts = append(parts, fmt.Sprintf("%d times and more in %s", n, brief(within)))
	case n > 1:
		parts = append(parts, fmt.Sprintf("%d times in %s", n, brief(within)))
	}
	return strings.Join(parts, ", ")
}

func (e End) String() string {
	text := "ended"
	if e.Known {
		text = supervisorlog.End{Status: e.Status, Signal: e.Signal}.String()
	}
	switch {
	case e.Expected:
		text += " as expected"
	case e.TooSoon:
		text += " before its startsecs"
	}
	return text
}

// brief is a time in whole seconds without a zero at its end: 5m and not 5m0s.
func brief(d time.Duration) string {
	text := d.Round(time.Second).String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}
