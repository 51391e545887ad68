package backup

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/stopmark"
)

// Recover takes back what restores that were killed have left half done. It may be
// called at any time, and mostly finds nothing to do. While a backup or restore is at
// work, it does nothing and returns fsutil.ErrLocked: that one has recovered before it
// began, and takes itself back when it fails.
func Recover(ctx context.Context, c config.Config, l log.Logger) error {
	return Runner{Config: c, Log: l}.Recover(ctx)
}

// Recover is the function of this name, for a caller who can stop programs.
func (r Runner) Recover(ctx context.Context) error { return r.recover(ctx, r.lock) }

// RecoverAtStart is Recover for a container that starts, before anything uses the
// storage. It waits for another container that works on the volume. begin is called when
// there is something to do, which can take long.
func RecoverAtStart(ctx context.Context, c config.Config, l log.Logger, begin func()) error {
	r := Runner{Config: c, Log: l, Force: true}
	return r.recover(ctx, func(ctx context.Context, what string) (*fsutil.Lock, error) {
		begin()
		return r.waitLock(ctx, what)
	})
}

func (r Runner) recover(ctx context.Context, take func(context.Context, string) (*fsutil.Lock, error)) error {
	journals, err := r.journals()
	if err != nil || len(journals) == 0 {
		return err
	}
	lock, err := take(ctx, "recovery")
	if err != nil {
		return err
	}
	defer lock.Unlock()
	return r.takeBackKilled(ctx)
}

// takeBackKilled takes back every restore that was killed. The caller has the
// lock, so the processes that wrote the journals are dead.
func (r Runner) takeBackKilled(ctx context.Context) error {
	journals, err := r.journals()
	if err != nil {
		return err
	}
	for _, j := range journals {
		if j.Done {
			continue // the first start goes on from there
		}
		if err := r.recoverJournal(ctx, j); err != nil {
			return err
		}
	}
	return nil
}

// recoverJournal takes back the targets that this container sees. The others are
// on a volume that only another container has.
func (r Runner) recoverJournal(ctx context.Context, j journal) error {
	here, elsewhere := j, j
	here.Targets, elsewhere.Targets = nil, nil
	for _, t := range j.Targets {
		if t.isHere() {
			here.Targets = append(here.Targets, t)
		} else {
			elsewhere.Targets = append(elsewhere.Targets, t)
		}
	}
	if len(elsewhere.Targets) > 0 {
		r.Log.Warn().Msgf("a restore of %s was killed in another container: %s is left to that one, because there is no %s here; remove it if there is no such container",
			j.Archive, j.path, elsewhere.Targets[0].Stage)
	}
	if len(here.Targets) == 0 {
		return nil
	}
	r.Log.Warn().Msgf("a restore of %s was killed: taking it back", j.Archive)
	release, err := r.hold(ctx, stopmark.Restore, unique(append(r.toStop(), j.Stop...)))
	if err != nil {
		return err
	}
	defer release()
	if err := r.checkUnused(ctx, here.Targets, true); err != nil {
		return fmt.Errorf("cannot take the restore of %s back: %w", j.Archive, err)
	}
	return r.undo(here, elsewhere.Targets)
}

// undo takes a restore back, whole or half done. The targets in left are those of other
// containers, and stay in the journal.
func (r Runner) undo(j journal, left []target) error {
	for _, t := range j.Targets {
		if err := t.takeBack(); err != nil {
			return fmt.Errorf("cannot take the restore of %s back: %w; %s says what is left to be done", j.Archive, err, j.path)
		}
		removeEmpty(t.Kept)
	}
	if err := j.sync(); err != nil {
		return err
	}
	if err := r.end(j, left); err != nil {
		return err
	}
	for _, t := range j.Targets {
		if fsutil.Exists(t.Aside) {
			r.Log.Warn().Msgf("what was in place of %s when the restore was taken back is kept as %s: %s", t.Path, t.Aside, removeKept)
		}
	}
	return nil
}

// removeKept tells people how to remove what restores have moved away.
const removeKept = "remove it when you no longer need it (container-manager restore --discard removes all)"

// end removes the journal once its targets are as they are to stay, and then the new
// content that was not put in place. The targets in left stay in the journal.
func (r Runner) end(j journal, left []target) (err error) {
	done := j.Targets
	if j.Targets = left; len(left) > 0 || j.Done {
		err = j.write()
	} else {
		err = j.remove()
	}
	if err != nil {
		return err
	}
	for _, t := range done {
		r.remove(t.Stage)
	}
	return nil
}

// commit ends a restore: from here on nothing is taken back. After the restore of a
// first start the journal stays until the start has recorded the restore.
func (r Runner) commit(j journal, firstStart bool) error {
	if err := j.sync(); err != nil {
		return err
	}
	if j.Done = firstStart; firstStart {
		if err := r.claim(j); err != nil {
			return err
		}
	}
	if err := r.end(j, nil); err != nil {
		return err
	}
	for _, t := range j.Targets {
		_ = unix.Rmdir(t.Kept) // unless there is something in it, or it is no directory
		if fsutil.Exists(t.Kept) {
			r.Log.Info().Msgf("what was there before is kept as %s: %s", t.Kept, removeKept)
		}
	}
	return nil
}

// removeEmpty removes a tree of directories that hold nothing else.
func removeEmpty(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if e.IsDir() {
			removeEmpty(filepath.Join(dir, e.Name()))
		}
	}
	_ = unix.Rmdir(dir)
}

// Kept returns what restores have moved away from declared paths and no person has
// removed yet.
func Kept(c config.Config) []string { return besidePaths(c.BackupPaths, isKept) }

// Unfinished returns an error that names a restore that has begun to put content in
// place and has not ended: it is at work, or was killed and is to be taken back.
func Unfinished(c config.Config) error {
	journals, err := Runner{Config: c}.journals()
	for _, j := range journals {
		if !j.Done {
			return fmt.Errorf("a restore of %s is at work, or was killed and is taken back before a program or a backup starts: %s", j.Archive, j.path)
		}
	}
	return err
}

// Discard removes what restores have moved away from declared paths.
func (r Runner) Discard(ctx context.Context) (Result, error) {
	lock, err := r.begin(ctx, "restore")
	if err != nil {
		return Result{}, err
	}
	defer lock.Unlock()
	problems := 0
	for _, path := range Kept(r.Config) {
		r.remove(path)
		if fsutil.Exists(path) {
			problems++
			continue
		}
		r.Log.Info().Msgf("removed %s", path)
	}
	return Result{Problems: problems}, nil
}
