package boot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/scriptdir"
	"github.com/ZPascal/container-manager/pkg/setup"
)

// What the first start leaves on the storage volume. The marker says that it is
// complete. Until then the records say which steps are done, a line each; at the
// end they hold what the marker is to hold, and are renamed.
const (
	markerName  = ".run-once.completed"
	recordsName = ".run-once.steps"
	lockName    = ".run-once.lock"

	markerFormat = "Mon 02. Jan 15:04:05 MST 2006"
)

// restoreRecord stands among the records for the restore, which is no step.
const restoreRecord = "restore/"

// Marker is the file on the storage volume that says that the first start is complete.
func Marker(c config.Config) string { return filepath.Join(c.StorageBaseDir, markerName) }

// firstStart runs the run.once steps and restores the newest backup, once in
// the life of a storage volume. One lock spans it all: a second container on
// the volume waits, and then finds the marker.
func (b *Boot) firstStart(ctx context.Context) error {
	if fsutil.Exists(b.storage(markerName)) {
		return nil
	}
	if err := setup.CreateStorageDir(b.Config.StorageBaseDir); err != nil {
		return err
	}
	b.Listen()
	lock, err := fsutil.WaitLock(ctx, b.storage(lockName), func() {
		b.Log.Info().Msgf("waiting for the first start of another container on %s", b.Config.StorageBaseDir)
	})
	if err != nil {
		return err
	}
	defer lock.Unlock()
	if fsutil.Exists(b.storage(markerName)) {
		return nil
	}
	done, complete, err := b.records()
	if err != nil {
		return err
	}
	if complete {
		return b.finishRecords()
	}
	err = b.steps().Each(ctx, b.Config.RunOnceDir, func(f scriptdir.File, run func() error) error {
		return b.once(f, done, run)
	})
	if err != nil {
		return err
	}
	if err := b.restore(ctx, done); err != nil {
		return err
	}
	return b.complete(done)
}

// complete writes the marker. Built-in steps change nothing the second time: when
// only they ran, it does no harm if a power failure takes the marker, and nothing is
// synced. Otherwise the records become the marker by a rename, so that there never
// are both: a person who removes the marker later wants every step to run again.
func (b *Boot) complete(done map[string]bool) error {
	now := []byte(time.Now().Format(markerFormat) + "\n")
	if len(done) == 0 {
		return fsutil.Replace(b.storage(markerName), now, 0o644)
	}
	if err := fsutil.WriteFile(b.storage(recordsName), now, 0o644); err != nil {
		return err
	}
	return b.finishRecords()
}

// finishRecords makes the records, which hold the marker's content, the marker.
func (b *Boot) finishRecords() error {
	if err := os.Rename(b.storage(recordsName), b.storage(markerName)); err != nil {
		return fmt.Errorf("cannot write %s: %w", b.storage(markerName), fsutil.Cause(err))
	}
	return fsutil.SyncDir(b.Config.StorageBaseDir)
}

func (b *Boot) storage(name string) string {
	return filepath.Join(b.Config.StorageBaseDir, name)
}

// once runs a step, unless the records say that a former start, which died half way,
// has done it. Built-in steps change nothing the second time and need no record.
func (b *Boot) once(f scriptdir.File, done map[string]bool, run func() error) error {
	if f.Builtin {
		return run()
	}
	if done[f.Name] {
		b.Log.Info().Msgf("%s was done by an earlier start", f.Name)
		return nil
	}
	if err := run(); err != nil {
		return err
	}
	return b.record(f.Name, done)
}

func (b *Boot) restore(ctx context.Context, done map[string]bool) error {
	if !b.Config.RestoreFirstStart {
		return nil
	}
	// A backup is put back into directories that a child image's steps may not
	// have made.
	if err := setup.CreateStorageDirs(b.Config); err != nil {
		return err
	}
	return b.Restore(ctx, done[restoreRecord], func(archive string) error {
		b.Log.Info().Msgf("restored %s", archive)
		return b.record(restoreRecord, done)
	})
}

// records reads which steps are done. complete is true when all are, and only the marker
// is missing because that start was killed.
func (b *Boot) records() (done map[string]bool, complete bool, err error) {
	data, err := os.ReadFile(b.storage(recordsName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, false, err
	}
	if _, err := time.Parse(markerFormat, strings.TrimSuffix(string(data), "\n")); err == nil {
		return nil, true, nil
	}
	done = map[string]bool{}
	for name := range strings.Lines(string(data)) {
		done[strings.TrimSuffix(name, "\n")] = true
	}
	return done, false, nil
}

// record notes something as done, and returns when that survives a power
// failure.
func (b *Boot) record(name string, done map[string]bool) error {
	done[name] = true
	names := slices.Sorted(maps.Keys(done))
	return fsutil.WriteFile(b.storage(recordsName), []byte(strings.Join(names, "\n")+"\n"), 0o644)
}
