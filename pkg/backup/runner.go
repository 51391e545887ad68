package backup

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/log"
)

// Runner makes and restores backups.
type Runner struct {
	Config config.Config
	Log    log.Logger
	// Programs stops and starts IMAGE_BACKUP_STOP_PROGRAMS; with nil they are
	// left alone.
	Programs Programs
	// Terminal gets a line that tells the progress; with nil the log does.
	Terminal io.Writer
	// Stop are programs to stop beside IMAGE_BACKUP_STOP_PROGRAMS.
	Stop []string
	// Force restores although somebody has files open where it does so.
	Force bool
}

// Result is what a backup or a restore has done.
type Result struct {
	Archive string // path
	// Problems counts what is not as it should be although the whole succeeded.
	Problems int
}

// begin takes the lock, and clears up what a killed run has left.
func (r Runner) begin(ctx context.Context, what string) (*fsutil.Lock, error) {
	lock, err := r.lock(ctx, what)
	if err != nil {
		return nil, err
	}
	if err := r.clearUp(ctx); err != nil {
		_ = lock.Unlock()
		return nil, err
	}
	return lock, nil
}

// clearUp takes back, removes and starts again what a run that was killed has
// left. The caller has the lock.
func (r Runner) clearUp(ctx context.Context) error {
	if err := r.takeBackKilled(ctx); err != nil {
		return err
	}
	r.sweep()
	r.sweepStages(r.Config.BackupPaths)
	r.startOrphans(ctx)
	return nil
}

const stagingPrefix = ".staging-"

// newStaging makes an empty directory on the file system of the archives.
func (r Runner) newStaging() (string, error) {
	dir, err := os.MkdirTemp(r.Config.BackupDir, stagingPrefix)
	if err != nil {
		return "", fmt.Errorf("cannot make a staging directory: %w%s", err, fsutil.Advice(r.Config.BackupDir, err))
	}
	return dir, nil
}

// sweep removes staging directories and unfinished files. The caller has the lock,
// so no other process uses them.
func (r Runner) sweep() {
	entries, _ := os.ReadDir(r.Config.BackupDir)
	for _, e := range entries {
		if !isLeftover(e) {
			continue
		}
		path := filepath.Join(r.Config.BackupDir, e.Name())
		r.Log.Info().Msgf("removing %s, left by a run that did not end", path)
		r.remove(path)
	}
}

// sweepStages removes directories with new content that killed restores have left. This
// content never was in place: a restore with a journal has been taken back before.
func (r Runner) sweepStages(paths []string) {
	for _, path := range besidePaths(paths, isStage) {
		r.Log.Info().Msgf("removing %s, left by a restore that did not end", path)
		r.remove(path)
	}
	for _, path := range besidePaths(paths, isKept) {
		_ = unix.Rmdir(path) // only if it is an empty directory
	}
}

// besidePaths returns the files with a wanted name in the places where a restore makes
// files: beside each path, and in a path that is a directory.
func besidePaths(paths []string, wanted func(name string) bool) []string {
	var dirs, found []string
	for _, path := range paths {
		live := path
		if resolved, err := filepath.EvalSymlinks(path); err == nil {
			live = resolved
		}
		dirs = append(dirs, live, filepath.Dir(live))
	}
	slices.Sort(dirs)
	for _, dir := range slices.Compact(dirs) {
		entries, _ := os.ReadDir(dir) // a file, or a directory that is missing, has no entries
		for _, e := range entries {
			if wanted(e.Name()) {
				found = append(found, filepath.Join(dir, e.Name()))
			}
		}
	}
	return found
}

func isLeftover(e fs.DirEntry) bool {
	name := e.Name()
	if e.IsDir() {
		return strings.HasPrefix(name, stagingPrefix)
	}
	if archive, ok := strings.CutSuffix(name, partialSuffix); ok {
		_, ours := ParseName(archive)
		return ours
	}
	// What fsutil.WriteFile makes beside a file.
	return strings.HasPrefix(name, "."+indexName+".") || strings.HasPrefix(name, "."+lastName+".") || strings.HasPrefix(name, "."+journalPrefix)
}

// remove deletes a tree that we have made. When something stays, it only warns.
func (r Runner) remove(path string) {
	if os.RemoveAll(path) == nil {
		return
	}
	// Only root can empty a directory that has no write permission.
	_ = filepath.WalkDir(path, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			_ = os.Chmod(path, 0o700)
		}
		return nil
	})
	if err := os.RemoveAll(path); err != nil {
		r.Log.Warn().Msgf("cannot remove %s: %v", path, err)
	}
}

// Size writes a number of bytes for people.
func Size(n int64) string {
	units := []string{"bytes", "kB", "MB", "GB", "TB"}
	value, i := float64(n), 0
	for value >= 1000 && i < len(units)-1 {
		value, i = value/1000, i+1
	}
	if i == 0 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%.1f %s", value, units[i])
}

func took(since time.Time) time.Duration { return time.Since(since).Round(time.Millisecond) }
