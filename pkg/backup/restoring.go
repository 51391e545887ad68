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

// restoring is a restore on its way.
type restoring struct {
	Runner
	path       string
	content    string // a directory for what the backup's scripts had staged
	placements []placement
	mounts     map[string]bool
	journal    journal
	result     Result
}

// restore restores one archive. An error that matches archive.ErrInvalid means
// that it is the archive's fault, and that nothing was touched.
func (r Runner) restore(ctx context.Context, path string) (Result, error) {
	began := time.Now()
	content, err := r.newStaging()
	if err != nil {
		return Result{}, err
	}
	defer r.remove(content)
	r.Log.Info().Msgf("restoring %s", path)
	s := &restoring{Runner: r, path: path, content: content, mounts: fsutil.MountPoints(), result: Result{Archive: path}}
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
	if err := s.plan(in.Head); err != nil {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	if err := s.unpack(in); err != nil {
		return errors.Join(fmt.Errorf("%s: %w", s.path, err), s.giveUp())
	}
	in.Close()
	release, err := s.hold(ctx, stopmark.Restore)
	if err != nil {
		return errors.Join(err, s.giveUp())
	}
	defer func() { s.result.Problems += release() }()
	if err := s.apply(ctx); err != nil {
		return errors.Join(err, s.giveUp())
	}
	if len(s.placements) == 0 {
		return nil
	}
	return s.commit(s.journal)
}

func (r Runner) limits() archive.Limits {
	return archive.Limits{Bytes: int64(r.Config.RestoreMaxSize), Entries: int64(r.Config.RestoreMaxFiles)}
}

// plan decides where everything goes, and notes the directories that are about
// to be made.
func (s *restoring) plan(head *archive.Head) (err error) {
	if head == nil {
		s.Log.Info().Msg("the archive has no manifest: there is nothing but the sums of gzip to check it by")
		return nil
	}
	if !head.Complete() {
		s.Log.Warn().Msgf("the archive was incomplete when it was made: %d files changed while they were read, %d are missing", head.Changed, head.Unreadable)
	}
	s.placements, err = s.Runner.placements(head.Paths, time.Now(), s.mounts)
	if err != nil || len(s.placements) == 0 {
		return err
	}
	s.journal = journal{Archive: s.path}
	for _, p := range s.placements {
		if !slices.Contains(s.journal.Stages, p.stage) {
			s.journal.Stages = append(s.journal.Stages, p.stage)
		}
		if !p.part {
			s.journal.Kept = append(s.journal.Kept, p.kept)
		}
	}
	return s.writeJournal(s.journal)
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
	for _, dir := range s.journal.Stages {
		if err := errors.Join(os.MkdirAll(filepath.Dir(dir), 0o755), os.Mkdir(dir, 0o700)); err != nil {
			return fmt.Errorf("%w%s", err, fsutil.Advice(dir, err))
		}
	}
	for _, dir := range append([]string{s.content}, s.journal.Stages...) {
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
	for _, p := range slices.Backward(s.placements) { // inner before outer
		u.Targets = append(u.Targets, archive.Target{From: archivePath(p.path), Root: roots[p.stage], As: p.as})
	}
	add, stop := s.progress("unpacking")
	defer stop()
	in.Progress = add
	if err := u.Unpack(in); err != nil {
		return fmt.Errorf("%w%s", err, fsutil.Advice(fullest(append(slices.Clip(s.journal.Stages), s.content)), err))
	}
	if notes > maxNotes {
		s.Log.Warn().Msgf("the same or similar for %d more", notes-maxNotes)
	}
	return syncAll(s.journal.Stages)
}

// maxNotes is how many files are named that cannot be quite as they were: where
// one cannot be given to its owner, others mostly cannot either.
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
	for _, p := range s.placements {
		moves, err := p.moves(s.mounts)
		if err != nil {
			return err
		}
		s.journal.Moves = append(s.journal.Moves, moves...)
	}
	if len(s.placements) > 0 {
		if err := s.writeJournal(s.journal); err != nil {
			return err
		}
	}
	for _, m := range s.journal.Moves {
		if err := m.do(); err != nil {
			return err
		}
	}
	problems, err := s.scripts(ctx, s.Config.RestoreScriptsDir, staging(s.content, "RESTORE_TEMP_DIR", restoreScripts()))
	s.result.Problems += problems
	return err
}

// giveUp takes back what was done so far.
func (s *restoring) giveUp() error {
	if len(s.placements) == 0 {
		return nil
	}
	s.Log.Info().Msg("taking the restore back")
	return s.undo(s.journal)
}
