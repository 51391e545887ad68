package backup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/backup/archive"
	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/stopmark"
)

// restoring is a restore that is being done.
type restoring struct {
	Runner
	path    string
	content string // a directory for what the backup's scripts had staged
	// firstStart says that the journal of a restore that succeeded stays.
	firstStart bool
	targets    []target
	mounts     map[string]bool
	journal    journal
	begun      bool // the journal is written: what it says may have been done
	result     Result
}

// restore restores one archive. An error that matches archive.ErrInvalid means
// that it is the archive's fault, and that nothing was touched.
func (r Runner) restore(ctx context.Context, path string, firstStart bool) (Result, error) {
	began := time.Now()
	content, err := r.newStaging()
	if err != nil {
		return Result{}, err
	}
	defer r.remove(content)
	r.Log.Info().Msgf("restoring %s", path)
	s := &restoring{Runner: r, path: path, content: content, firstStart: firstStart, mounts: fsutil.MountPoints(), result: Result{Archive: path}}
	if err := s.run(ctx); err != nil {
		return Result{}, err
	}
	r.Log.Info().Msgf("restored %s in %s", path, took(began))
	return s.result, nil
}

func (s *restoring) run(ctx context.Context) error {
	in, err := archive.Open(ctx, s.source(s.path), s.limits())
	if err != nil {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	defer in.Close()
	if err := s.plan(ctx, in.Head); err != nil {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	if err := s.unpack(in); err != nil {
		return errors.Join(fmt.Errorf("%s: %w", s.path, err), s.giveUp())
	}
	in.Close()
	release, err := s.hold(ctx, stopmark.Restore, s.toStop())
	if err != nil {
		return errors.Join(err, s.giveUp())
	}
	defer func() { s.result.Problems += release() }()
	if err := s.apply(ctx); err != nil {
		return errors.Join(err, s.giveUp())
	}
	if len(s.targets) == 0 && !s.firstStart {
		return nil
	}
	return s.commit(s.journal, s.firstStart)
}

func (r Runner) limits() archive.Limits {
	return archive.Limits{Bytes: int64(r.Config.RestoreMaxSize), Entries: int64(r.Config.RestoreMaxFiles)}
}

// plan decides where everything goes.
func (s *restoring) plan(ctx context.Context, head *archive.Head) (err error) {
	token := newToken(time.Now())
	s.journal = s.newJournal(s.path, token)
	if head == nil {
		s.Log.Info().Msg("the archive has no manifest: there is nothing but the sums of gzip to check it by")
		return nil
	}
	if !head.Complete() {
		s.Log.Warn().Msgf("the archive was incomplete when it was made: %d files changed while they were read, %d are missing", head.Changed, head.Unreadable)
	}
	if s.targets, err = s.Runner.targets(head.Paths, token, s.mounts); err != nil || len(s.targets) == 0 {
		return err
	}
	s.sweepStages(head.Paths)
	if len(s.toStop()) == 0 {
		if err := s.checkUnused(ctx, s.targets, false); err != nil {
			return err
		}
	}
	for _, t := range s.targets {
		if !t.part {
			s.journal.Targets = append(s.journal.Targets, t)
		}
	}
	return nil
}

// unpack unpacks everything beside where it goes. The archive is known to be
// whole when that is done.
func (s *restoring) unpack(in *archive.Reader) error {
	roots := map[string]*os.Root{}
	defer func() {
		for _, root := range roots {
			_ = root.Close()
		}
	}()
	stages := s.stages()
	for _, dir := range stages {
		if err := errors.Join(os.MkdirAll(filepath.Dir(dir), 0o755), os.Mkdir(dir, 0o700)); err != nil {
			return fmt.Errorf("%w%s", err, fsutil.Advice(dir, err))
		}
	}
	for _, dir := range append([]string{s.content}, stages...) {
		root, err := os.OpenRoot(dir)
		if err != nil {
			return err
		}
		roots[dir] = root
	}
	u := archive.Unpacker{
		Targets: []archive.Target{{Root: roots[s.content]}},
	}
	notes := 0
	u.Note = func(path, what string) {
		if notes++; notes <= maxNotes {
			s.Log.Warn().Msgf("%q: %s", path, what)
		}
	}
	for _, t := range slices.Backward(s.targets) { // inner before outer
		u.Targets = append(u.Targets, archive.Target{From: archivePath(t.Path), Root: roots[t.Stage], As: t.as})
	}
	add, stop := s.progress("unpacking")
	defer stop()
	in.Progress = add
	if err := u.Unpack(in); err != nil {
		return fmt.Errorf("%w%s", err, fsutil.Advice(fullest(append(stages, s.content)), err))
	}
	if notes > maxNotes {
		s.Log.Warn().Msgf("the same or similar for %d more", notes-maxNotes)
	}
	for _, t := range s.targets {
		if err := t.checkKind(); err != nil {
			return archive.Invalid(err)
		}
	}
	return syncAll(stages)
}

// stages are the directories for new content.
func (s *restoring) stages() []string {
	var stages []string
	for _, t := range s.journal.Targets {
		stages = append(stages, t.Stage)
	}
	return unique(stages)
}

// maxNotes is how many files the log names that are not restored exactly. When one
// cannot be given to its owner, most others cannot either.
const maxNotes = 20

// fullest returns the directory on whose file system there is the least room.
func fullest(dirs []string) string {
	room := func(dir string) uint64 {
		var fs unix.Statfs_t
		_ = unix.Statfs(dir, &fs)
		return fs.Bavail * uint64(fs.Bsize)
	}
	return slices.MinFunc(dirs, func(a, b string) int { return cmp.Compare(room(a), room(b)) })
}

// syncAll makes all that was unpacked survive a power failure, before anything
// that it replaces is moved.
func syncAll(dirs []string) error {
	for _, dir := range dirs {
		f, err := os.Open(dir)
		if err != nil {
			return err
		}
		err = unix.Syncfs(int(f.Fd()))
		_ = f.Close()
		if err != nil {
			return fmt.Errorf("cannot write %s to the disk: %w", dir, err)
		}
	}
	return nil
}

// apply puts the declared paths in place and runs the scripts.
func (s *restoring) apply(ctx context.Context) error {
	if err := s.checkUnused(ctx, s.targets, len(s.toStop()) > 0); err != nil {
		return err
	}
	targets := s.journal.Targets
	for i := range targets {
		if err := targets[i].plan(s.mounts); err != nil {
			return err
		}
	}
	if len(targets) > 0 {
		if err := s.journal.write(); err != nil {
			return err
		}
		s.begun = true
	}
	for _, t := range targets {
		if err := t.apply(); err != nil {
			return err
		}
	}
	problems, err := s.scripts(ctx, s.Config.RestoreScriptsDir, staging(s.content, "RESTORE_TEMP_DIR", restoreScripts()))
	s.result.Problems += problems
	return err
}

// giveUp takes back what was done so far.
func (s *restoring) giveUp() error {
	if !s.begun {
		for _, stage := range s.stages() {
			s.remove(stage)
		}
		return nil
	}
	s.Log.Info().Msg("taking the restore back")
	return s.undo(s.journal, nil)
}
