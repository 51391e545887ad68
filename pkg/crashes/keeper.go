package crashes

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/events"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/stopmark"
	"github.com/ZPascal/container-manager/pkg/supervisor"
	"github.com/ZPascal/container-manager/pkg/supervisorlog"
)

// Keeper keeps the records, from supervisord's events. It writes nothing before a
// program ends.
type Keeper struct {
	RunDir string
	// Settings is called when a program has ended. So a listener that sees no program end
	// for months does not read the configuration.
	Settings func() Settings
	Log      log.Logger
	// Told is called when the log says that a program loops. It may be nil.
	Told func(program, text string)
	// Now is time.Now; tests set another clock.
	Now func() time.Time

	records map[string]*Record
	failing bool // records could not be written, and the log says so
}

// Settings are what the keeper has to know.
type Settings struct {
	Limit   config.Rate // IMAGE_HEALTH_CRASHES
	LogFile string      // supervisord's, "" when that is no file
	// StartsAgain reports whether a program is started again after an expected end, too. It
	// may be nil.
	StartsAgain func(program string) bool
}

// Handle takes an event into account.
func (k *Keeper) Handle(e events.Event) {
	process := e.Payload["processname"]
	state, ok := strings.CutPrefix(e.Name, "PROCESS_STATE_")
	if !ok || process == "" {
		return
	}
	program := supervisor.FullName(e.Payload["groupname"], process)
	switch state {
	case "STARTING":
		k.started(program)
	case "EXITED":
		pid, _ := strconv.Atoi(e.Payload["pid"])
		k.ended(program, process, End{PID: pid, Expected: e.Payload["expected"] == "1"})
	case "BACKOFF":
		k.ended(program, process, End{TooSoon: true})
	}
}

// record returns the record of a program. A former listener may have begun it.
func (k *Keeper) record(program string) *Record {
	r, ok := k.records[program]
	if !ok {
		if k.records == nil {
			k.records = map[string]*Record{}
		}
		loaded := Load(k.RunDir, program)
		r = &loaded
		k.records[program] = r
	}
	return r
}

func (k *Keeper) started(program string) {
	r := k.record(program)
	r.Starts++
	if r.Ends > 0 || r.Starts > 1 { // a start alone needs no record: supervisord tells of it
		k.keep(program, r)
	}
}

func (k *Keeper) ended(program, process string, end End) {
	settings := k.Settings()
	r := k.record(program)
	line, known := supervisorlog.LastOf(settings.LogFile, process)
	if known && !line.Stopped {
		end.Known, end.Status, end.Signal, end.Stamp = true, line.Status, line.Signal, line.Stamp
	}
	if end.TooSoon && !end.Known || r.has(end) {
		return
	}
	end.At = k.Now().UTC().Truncate(time.Millisecond)
	r.Last = &end
	r.Ends++
	r.Starts = max(r.Starts, 1) // a former listener may have had the event of the start
	_, held := stopmark.Get(k.RunDir, program)
	switch {
	case end.TooSoon, held:
	case !end.Expected:
		k.crashed(program, r, settings.Limit)
	case settings.StartsAgain != nil && settings.StartsAgain(program):
		k.finished(program, r, settings.Limit)
	}
	k.keep(program, r)
}

// has reports whether an end is on record already. That happens in two ways. supervisord
// sends an event again when a killed listener has not answered it. It also says BACKOFF
// for a program that it cannot start at all; then its log has no new end.
func (r *Record) has(end End) bool {
	switch {
	case r.Last == nil:
		return false
	case end.TooSoon:
		return r.Last.Stamp == end.Stamp
	}
	return end.PID != 0 && r.Last.PID == end.PID
}

// crashed adds a crash, and says once that the program loops.
func (k *Keeper) crashed(program string, r *Record, limit config.Rate) {
	r.Crashes = append(r.Crashes, r.Last.At)
	r.Crashes = r.Crashes[max(0, len(r.Crashes)-config.MaxRate):]
	loops := r.Loops(r.Last.At, limit)
	if loops && !r.Told {
		text := fmt.Sprintf("%s loops: it %s and has ended unexpectedly %s (IMAGE_HEALTH_CRASHES); it is unhealthy until it stays up", program, r.Last, limit)
		k.Log.Error().Msg(text)
		if k.Told != nil {
			k.Told(program, text)
		}
	}
	r.Told = loops
}

// finished adds an expected end of a program that is started again all the same, and says
// once that it ends again and again. It may be a job that is meant to, so it stays healthy.
func (k *Keeper) finished(program string, r *Record, limit config.Rate) {
	r.Finished = append(r.Finished, r.Last.At)
	r.Finished = r.Finished[max(0, len(r.Finished)-limit.Count):]
	often := limit.Reached(r.Last.At, r.Finished)
	if often && !r.FinishedTold {
		k.Log.Warn().Msgf("%s ends again and again: it %s, %s, and autorestart = true starts it each time; that is not unhealthy", program, r.Last, limit)
	}
	r.FinishedTold = often
}

func (k *Keeper) keep(program string, r *Record) {
	err := r.write(k.RunDir, program)
	if err != nil && !k.failing {
		k.Log.Error().Msgf("the end of %s is not on record: %v", program, err)
	}
	k.failing = err != nil
}
