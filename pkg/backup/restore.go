package backup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/backup/archive"
	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/log"
)

// Latest stands for the newest archive that is whole.
const Latest = "latest"

// Restore restores an archive: a path, a name in STORAGE_BACKUP_DIR, or Latest.
// Where it returns an error, declared paths are as they were before.
func (r Runner) Restore(ctx context.Context, which string) (Result, error) {
	lock, err := r.begin(ctx, "restore")
	if err != nil {
		return Result{}, err
	}
	defer lock.Unlock()
	if which != Latest {
		path, err := r.Find(which)
		if err != nil {
			return Result{}, err
		}
		return r.restore(ctx, path)
	}
	result, err := r.restoreNewest(ctx)
	if err == nil && result.Archive == "" {
		err = fmt.Errorf("there is no backup-*%s in %s", nameSuffix, r.Config.BackupDir)
	}
	return result, err
}

// RestoreNewest is the restore of a container's first start: it restores the
// newest archive that is whole and returns its path, "" when there is no archive
// at all. Another container that is at work on the volume is waited for. After a
// start that was killed in the middle it does all of it again.
func RestoreNewest(ctx context.Context, c config.Config, l log.Logger) (string, error) {
	r := Runner{Config: c, Log: l}
	if archives, err := Archives(c.BackupDir); err != nil || len(archives) == 0 {
		return "", err
	}
	lock, err := r.waitLock(ctx, "restore")
	if err != nil {
		return "", err
	}
	defer lock.Unlock()
	if err := r.clearUp(ctx); err != nil {
		return "", err
	}
	result, err := r.restoreNewest(ctx)
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("%w; IMAGE_RESTORE_ON_FIRST_START=false starts without a restore", err)
	}
	return result.Archive, err
}

// Find returns the path of an archive that a person has named.
func (r Runner) Find(which string) (string, error) {
	paths := []string{which}
	if filepath.Base(which) == which {
		paths = []string{filepath.Join(r.Config.BackupDir, which), which}
	}
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path, nil
		}
	}
	return "", fmt.Errorf("there is no archive %s", strings.Join(paths, " and no "))
}

// restoreNewest tries one archive after the other, the newest first. An empty
// path means that there are none.
func (r Runner) restoreNewest(ctx context.Context) (Result, error) {
	archives, err := Archives(r.Config.BackupDir)
	if err != nil {
		return Result{}, err
	}
	var broken []error
	for _, a := range archives {
		result, err := r.restore(ctx, a.Path)
		if !errors.Is(err, archive.ErrInvalid) {
			return result, err
		}
		r.Log.Error().Msgf("%v; going on to the one before it", err)
		r.forget(a.Path)
		broken = append(broken, err)
	}
	if len(broken) == 0 {
		return Result{}, nil
	}
	return Result{}, fmt.Errorf("none of the archives in %s can be restored: %w", r.Config.BackupDir, errors.Join(broken...))
}

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
	release, err := s.hold(ctx, "restore")
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
		Note:    func(path, what string) { s.Log.Warn().Msgf("%q: %s", path, what) },
	}
	for _, p := range slices.Backward(s.placements) { // inner before outer
		u.Targets = append(u.Targets, archive.Target{From: archivePath(p.path), Root: roots[p.stage], As: p.as})
	}
	add, stop := s.progress("unpacking")
	defer stop()
	in.Progress = add
	if err := u.Unpack(in); err != nil {
		return fmt.Errorf("%w%s", err, fsutil.Advice(s.content, err))
	}
	return syncAll(s.journal.Stages)
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
