package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/log"
)

// Deliverer takes events out of the spool and calls the scripts with each.
type Deliverer struct {
	Config config.Config
	Log    log.Logger
	// Holds reports whether an event still is to be told; nil is yes.
	Holds func(context.Context, Event) bool
	// Now is time.Now; tests set another clock.
	Now func() time.Time
}

// Run tells all events that wait, one after another, and returns when there are no more.
// An event leaves the spool when all scripts have been called with it. When ctx is done,
// or this process is killed before, it is told again. An event that no script has taken
// is told again later.
func (d Deliverer) Run(ctx context.Context) error {
	refused := map[string]bool{} // keys of events that every script has refused just now
	return d.locked(ctx, func() error {
		for {
			names, err := pending(d.dir())
			if err != nil || len(names) == 0 {
				return err
			}
			for _, name := range names {
				if err := d.deliver(ctx, name, refused); err != nil {
					return err
				}
			}
		}
	})
}

// RunLast tells the newest event only, for somebody who has little time. The others stay
// in the spool.
func (d Deliverer) RunLast(ctx context.Context) error {
	return d.locked(ctx, func() error {
		names, err := pending(d.dir())
		if err != nil || len(names) == 0 {
			return err
		}
		name := names[len(names)-1]
		e, wanted, err := d.read(ctx, name)
		if !wanted {
			return err
		}
		switch taken, err := d.tell(ctx, name, e); {
		case err != nil:
			return err
		case !taken:
			d.Log.Warn().Msgf("nobody has been told that %s: the next start tells it, where IMAGE_RUN_DIR outlives the container", e.What)
			return nil
		}
		return os.Remove(filepath.Join(d.dir(), name))
	})
}

func (d Deliverer) dir() string { return Dir(d.Config.RunDir) }

// locked keeps two processes from telling the same event.
func (d Deliverer) locked(ctx context.Context, do func() error) error {
	lock, err := fsutil.WaitLock(ctx, filepath.Join(d.dir(), lockName), func() {})
	if err != nil {
		return err
	}
	defer lock.Unlock()
	return do()
}

// deliver tells one event. The error says that it stays in the spool. No script is called
// with an event of a key that every script has refused just now.
func (d Deliverer) deliver(ctx context.Context, name string, refused map[string]bool) error {
	e, wanted, err := d.read(ctx, name)
	if !wanted {
		return err
	}
	taken, called := false, !refused[e.key()]
	if called {
		if taken, err = d.tell(ctx, name, e); err != nil {
			return err
		}
	}
	if !taken {
		refused[e.key()] = true
		if waits, err := d.later(name, e, called); waits || err != nil {
			return err
		}
	}
	return os.Remove(filepath.Join(d.dir(), name))
}

// read returns an event of the spool. One that is not wanted has left the spool, unless
// there is an error.
func (d Deliverer) read(ctx context.Context, name string) (e Event, wanted bool, err error) {
	path := filepath.Join(d.dir(), name)
	data, err := fsutil.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return e, false, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &e)
	}
	switch {
	case err != nil:
		d.Log.Error().Msgf("an event cannot be read, and nobody is notified of it: %v", err)
	case d.Holds == nil || d.Holds(ctx, e):
		return e, true, nil
	}
	return e, false, os.Remove(path)
}

// later lets an event wait that no script has taken; waits is false when it is given up.
// The log tells of an event with which scripts were called, and of one that is given up.
func (d Deliverer) later(name string, e Event, called bool) (waits bool, err error) {
	wait, err := postpone(d.dir(), name, time.Now())
	if gaveUp, ok := errors.AsType[givenUp](err); ok {
		d.Log.Error().Msgf("nobody will be told that %s: %v", e.What, gaveUp)
		return false, nil
	}
	if err == nil && called {
		d.Log.Warn().Msgf("nobody has been told that %s: it is told again in %s", e.What, wait)
	}
	return true, err
}

// tell calls the scripts, unless the same event was told a short time ago. taken is false
// when no script has taken it.
func (d Deliverer) tell(ctx context.Context, name string, e Event) (taken bool, err error) {
	every := time.Duration(d.Config.NotifyEvery)
	known := readTold(d.dir())
	last := known[e.key()]
	switch {
	case last.Event == name: // its deliverer was killed before it could remove it
		return true, nil
	case last.recent(d.Now(), every):
		last.Folded++
	default:
		e.Repeated, e.Lost = last.Folded, lost(d.dir())
		reached := d.Call(ctx, e)
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		if !reached {
			return false, nil // the next one is told at once
		}
		forgetLost(d.dir(), e.Lost)
		last = telling{At: d.Now()}
	}
	last.Event = name
	known[e.key()] = last
	if err := known.write(d.dir(), d.Now(), every); err != nil {
		d.Log.Warn().Msgf("the same event may be told again: %v", err)
	}
	return true, nil
}

// Call calls all scripts with an event, and reports whether one has taken it.
func (d Deliverer) Call(ctx context.Context, e Event) (reached bool) {
	results, err := d.CallEach(ctx, e)
	if err != nil {
		d.Log.Error().Msgf("nobody is notified that %s: %v", e.What, err)
		return false
	}
	for _, r := range results {
		if r.Err == nil {
			reached = true
		} else if ctx.Err() == nil {
			d.Log.Error().Msgf("%s has not told that %s: %v", r.Script, e.What, r.Err)
		}
	}
	return reached
}

// Result is what became of a script.
type Result struct {
	Script string
	Took   time.Duration
	Err    error
}

// CallEach calls all scripts with an event, one after another.
func (d Deliverer) CallEach(ctx context.Context, e Event) ([]Result, error) {
	scripts, err := Scripts(d.Config)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(e.tidy().labelled(d.Config))
	if err != nil {
		return nil, err
	}
	data = append(data, '\n')
	results := make([]Result, 0, len(scripts))
	for _, f := range scripts {
		if ctx.Err() != nil {
			break
		}
		began := time.Now()
		err := d.call(ctx, f, data)
		results = append(results, Result{f.Name, time.Since(began), err})
	}
	return results, nil
}

// errTime says that the built-in script has used up its time.
func errTime(limit time.Duration) error {
	return fmt.Errorf("did not end within %s (IMAGE_NOTIFY_TIMEOUT)", limit)
}
