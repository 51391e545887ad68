package cron

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/script"
)

// Result is how a run of a job has ended.
type Result string

// The results.
const (
	OK      Result = "ok"
	Failed  Result = "failed"  // with an exit status other than 0
	Signal  Result = "signal"  // ended by a signal
	Timeout Result = "timeout" // killed after IMAGE_CRON_JOB_TIMEOUT
	Error   Result = "error"   // could not be started
	Stopped Result = "stopped" // because cron ended
	Lost    Result = "lost"    // cron was killed, so nobody knows
)

// Results are all results.
func Results() []Result { return []Result{OK, Failed, Signal, Timeout, Error, Stopped, Lost} }

// IsFailure reports whether the job itself has gone wrong.
func (r Result) IsFailure() bool { return slices.Contains([]Result{Failed, Signal, Timeout, Error}, r) }

// History is what is known of the runs of a job.
type History struct {
	Job string `json:"job"` // its label
	// File and Sum tell the job from another one that has had its label.
	File string `json:"file"`
	Sum  string `json:"sum"`
	// Counts are how many runs have ended how; Skipped were not started.
	Counts      map[Result]int `json:"counts,omitempty"`
	Skipped     int            `json:"skipped,omitempty"`
	Last        *Run           `json:"last,omitempty"`
	LastSuccess *time.Time     `json:"last_success,omitempty"` // when it ended
}

// Run is one run of a job.
type Run struct {
	Began   time.Time  `json:"began"`
	Ended   *time.Time `json:"ended,omitempty"`
	Seconds float64    `json:"seconds,omitempty"`
	Result  Result     `json:"result,omitempty"` // "" while it runs
	Status  int        `json:"exit_status,omitempty"`
	Signal  string     `json:"signal,omitempty"`
	Error   string     `json:"error,omitempty"` // why it could not be started
}

// Runs is how often the job has run to an end.
func (h History) Runs() (runs, failures int) {
	for result, n := range h.Counts {
		runs += n
		if result.IsFailure() {
			failures += n
		}
	}
	return runs, failures
}

// String says how the run has ended, as in "exit status 1".
func (r Run) String() string {
	switch r.Result {
	case OK, Failed:
		return fmt.Sprintf("exit status %d", r.Status)
	case Signal:
		return "ended by " + r.Signal
	case Timeout:
		return "killed after its time (IMAGE_CRON_JOB_TIMEOUT)"
	case Error:
		return r.Error
	case Stopped:
		return "stopped, because cron ended"
	case Lost:
		return "not known, because cron was killed"
	}
	return "running"
}

func (r *Run) end(now time.Time, err error) {
	r.Ended, r.Seconds = &now, now.Sub(r.Began).Seconds()
	var failed *script.Error
	switch {
	case err == nil:
		r.Result = OK
	case errors.Is(err, errEnding):
		r.Result = Stopped
	case !errors.As(err, &failed) || failed.Err != nil:
		r.Result, r.Error = Error, cut(err.Error())
	case failed.Timeout > 0:
		r.Result = Timeout
	case failed.Signal != 0:
		r.Result, r.Signal = Signal, unix.SignalName(failed.Signal)
	default:
		r.Result, r.Status = Failed, failed.Status
	}
}

// HistoryDir is where the histories lie, below the directory of the crontab.
func HistoryDir(crontab string) string { return filepath.Join(filepath.Dir(crontab), "jobs") }

func historyPath(dir, label string) string {
	return filepath.Join(dir, url.PathEscape(label)+".json")
}

// ReadHistory returns what is known of an entry, by its label. It is empty when the job
// has not run yet, its file is damaged, or is about another job.
func ReadHistory(dir string, e Entry) History {
	none := History{Job: e.Label, File: e.File, Sum: sum(e)}
	var h History
	data, err := fsutil.ReadFile(historyPath(dir, e.Label))
	if err != nil || json.Unmarshal(data, &h) != nil || !h.isOf(e) {
		return none
	}
	for _, n := range h.Counts {
		if n < 0 {
			return none
		}
	}
	return h
}

// isOf reports whether a history is that of an entry. When its label is just a place,
// another job may have come there since.
func (h History) isOf(e Entry) bool {
	return h.Job == e.Label && h.File == e.File && (e.Titled || h.Sum == sum(e))
}

// histories keeps the history of each job in a file of its own.
type histories struct {
	dir string // empty when nothing can be recorded
	log log.Logger
	now func() time.Time

	mu      sync.Mutex
	jobs    map[string]History // by label
	failing bool               // histories could not be written, and the log says so
}

// openHistories makes the directory; its parent is there in a container that has started.
func openHistories(dir string, l log.Logger) *histories {
	h := &histories{dir: dir, log: l, now: time.Now}
	if dir == "" {
		return h
	}
	err := os.Mkdir(dir, 0o700)
	if errors.Is(err, fs.ErrNotExist) {
		h.dir = ""
	} else if err != nil && !errors.Is(err, fs.ErrExist) {
		h.dir = ""
		l.Warn().Msgf("what jobs do is not recorded: %v", err)
	}
	return h
}

// use takes up a table. It forgets the jobs of these crontabs that are no longer in it.
func (h *histories) use(table Table, files []string) {
	if h == nil || h.dir == "" {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	before := h.jobs
	h.jobs = make(map[string]History, len(table))
	for _, e := range table {
		history, known := before[e.Label]
		if !known || !history.isOf(e) {
			history = ReadHistory(h.dir, e)
		}
		history.Sum = sum(e)
		if before == nil && history.Last != nil && history.Last.Result == "" { // of a former cron
			history.Last.Result = Lost
			history.count(Lost)
		}
		h.jobs[e.Label] = history
	}
	h.forget(files)
}

func (h *History) count(r Result) {
	if h.Counts == nil {
		h.Counts = map[Result]int{}
	}
	h.Counts[r]++
}

// forget removes the files of jobs that are not known. Those of other crontabs stay,
// because another cron may keep them.
func (h *histories) forget(files []string) {
	entries, _ := os.ReadDir(h.dir)
	for _, entry := range entries {
		label, err := url.PathUnescape(strings.TrimSuffix(entry.Name(), ".json"))
		if kept := h.jobs[label]; err == nil && (kept.Last != nil || kept.Skipped > 0) {
			continue
		}
		path := filepath.Join(h.dir, entry.Name())
		var other History
		data, err := fsutil.ReadFile(path)
		if err == nil && json.Unmarshal(data, &other) == nil && other.File != "" && !slices.Contains(files, other.File) {
			continue
		}
		_ = os.Remove(path)
	}
}

// change changes the history of an entry, and writes it. A job that is no longer in the
// crontab has none.
func (h *histories) change(e Entry, change func(*History)) {
	if h == nil || h.dir == "" {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	history, ok := h.jobs[e.Label]
	if !ok {
		return
	}
	change(&history)
	h.jobs[e.Label] = history
	data, err := json.Marshal(history)
	if err == nil {
		err = fsutil.Replace(historyPath(h.dir, e.Label), append(data, '\n'), 0o600)
	}
	if err != nil && !h.failing {
		h.log.Warn().Msgf("what %s does is not recorded: %v", e.Label, err)
	}
	h.failing = err != nil
}

func (h *histories) skipped(e Entry) {
	h.change(e, func(h *History) { h.Skipped++ })
}

// began records that an entry runs; the function that it returns records the end.
func (h *histories) began(e Entry, began time.Time) (ended func(error)) {
	run := Run{Began: began.UTC().Truncate(time.Millisecond)}
	h.change(e, func(h *History) { h.Last = &run })
	return func(err error) {
		h.change(e, func(history *History) {
			done := run
			done.end(h.now().UTC().Truncate(time.Millisecond), err)
			history.Last = &done
			history.count(done.Result)
			if done.Result == OK {
				history.LastSuccess = done.Ended
			}
		})
	}
}
