package stdoutlog

import (
	"context"
	"path/filepath"
	"slices"
	"time"

	"github.com/ZPascal/container-manager/pkg/log"
)

// Follower writes logs to an output. See the package's comment.
type Follower struct {
	Sources   []Source
	Positions string // the file that says how far each has been written
	Out       *Output
	JSON      bool // a JSON object a line, instead of `program | line`
	Colour    bool
	Plain     bool // the lines as they are, without a name
	Log       log.Logger

	streams []*stream
	watch   *watcher // nil without inotify
}

const (
	// delay lets many lines come together.
	delay = 100 * time.Millisecond
	// lookAnyway is how often logs are looked at for changes that a file system does not
	// report.
	lookAnyway = 5 * time.Second
	// lookOften is how often logs are looked at without inotify.
	lookOften = 250 * time.Millisecond
)

// Run follows the logs until ctx is done; then it writes what has been logged
// until then, and returns.
func (f *Follower) Run(ctx context.Context) error {
	records, known, err := readRecords(f.Positions)
	if err != nil {
		return err
	}
	f.startWatch()
	f.begin(records, known)
	var start []record
	for _, s := range f.streams {
		r := records[s.Path]
		r.path = s.Path
		if !known {
			r = s.position()
		}
		start = append(start, r)
	}
	positions, err := openPositions(f.Positions, start)
	if err != nil {
		return err
	}
	defer positions.f.Close()
	out := &batch{out: f.Out, json: f.JSON, colour: f.Colour, plain: f.Plain, commit: func() error {
		for i, s := range f.streams {
			if err := positions.set(i, s.position()); err != nil {
				return err
			}
		}
		return nil
	}}
	return f.loop(ctx, out)
}

func (f *Follower) begin(records map[string]record, known bool) {
	for _, source := range resolve(f.Sources) {
		s := &stream{Source: source, warn: func(err error) {
			f.Log.Warn().Msgf("what %s logs is not shown: %v", source.Program, err)
		}}
		r, recorded := records[source.Path]
		// A log that nobody knew of when the container started is new.
		s.start(r, known || recorded)
		f.streams = append(f.streams, s)
	}
	if f.watch != nil {
		go f.watch.run(f.created)
	}
}

// startWatch watches the directories before they are looked at.
func (f *Follower) startWatch() {
	var dirs []string
	for _, s := range f.Sources {
		dirs = append(dirs, filepath.Dir(s.Path))
	}
	slices.Sort(dirs)
	var err error
	if f.watch, err = newWatcher(slices.Compact(dirs)); err != nil {
		f.Log.Warn().Msgf("logs are looked at %s apart, as the kernel does not tell of changes: %v", lookOften, err)
	}
}

// created is called for every new file in a directory of logs.
func (f *Follower) created(path string) {
	for _, s := range f.streams {
		if path == "" || path == s.Path {
			s.catchUp()
		}
	}
}

func (f *Follower) loop(ctx context.Context, out *batch) error {
	buf := make([]byte, 64<<10)
	for {
		ending := ctx.Err() != nil
		more, err := f.round(&buf, out, ending)
		if err != nil {
			return err
		}
		switch {
		case more:
		case ending:
			return nil
		case f.isGrowing():
			wait(ctx, delay, nil)
		default:
			f.sleep(ctx)
		}
	}
}

// round reads every stream once.
func (f *Follower) round(buf *[]byte, out *batch, ending bool) (more bool, err error) {
	for _, s := range f.streams {
		if ending {
			s.catchUp() // reads lines that inotify has not reported yet
		}
		again, err := s.read(buf, out)
		if err != nil {
			return false, err
		}
		deadline := time.Now().Add(-idleLine)
		if ending && !again {
			deadline = time.Now()
		}
		if err := s.finish(deadline, out); err != nil {
			return false, err
		}
		more = more || again
	}
	if len(*buf) > 64<<10 && !more {
		*buf = make([]byte, 64<<10)
	}
	return more, out.flush()
}

// isGrowing arms the files, so that inotify reports their next change, and reports
// whether one has grown before that.
func (f *Follower) isGrowing() bool {
	growing := false
	for _, s := range f.streams {
		s.mu.Lock()
		for i, file := range s.files {
			if f.watch != nil {
				if err := f.watch.arm(file); err != nil {
					f.Log.Warn().Msgf("%s: cannot be watched, and is looked at every %s: %v", s.Path, lookAnyway, err)
				}
			}
			seen := file.offset
			if i == 0 && s.partial > 0 {
				seen += s.partial - int64(len(s.carry))
			}
			size, _ := file.size()
			growing = growing || size > seen
		}
		s.mu.Unlock()
	}
	return growing
}

// sleep waits for a change, and then for more to come with it.
func (f *Follower) sleep(ctx context.Context) {
	limit, wake := lookOften, (<-chan struct{})(nil)
	if f.watch != nil {
		limit, wake = lookAnyway, f.watch.wake
	}
	for _, s := range f.streams {
		if s.partial > 0 {
			limit = min(limit, idleLine)
		}
	}
	if woken := wait(ctx, limit, wake); woken {
		wait(ctx, delay, nil)
		return
	}
	f.created("")
}

// wait reports whether it was woken before the time was up.
func wait(ctx context.Context, d time.Duration, wake <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-wake:
		return true
	case <-ctx.Done():
	case <-timer.C:
	}
	return false
}
