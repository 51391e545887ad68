package backup

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// The names of archives. They are ordered by the times in their names, because a
// copy may have changed the times of the files.
const (
	namePrefix    = "backup-"
	stampFormat   = "2006-01-02_15:04:05"
	nameSuffix    = ".tar.gz"
	partialSuffix = ".partial"
)

// Archive is a file of STORAGE_BACKUP_DIR that is called like an archive.
type Archive struct {
	Name    string
	Path    string
	Time    time.Time // the time in the name; zero when there is none
	Size    int64
	ModTime time.Time
}

// Encrypted reports whether the archive is called like an encrypted one.
func (a Archive) Encrypted() bool { return strings.HasSuffix(a.Name, cryptSuffix) }

// ParseName returns the time in the name of an archive. Archives that people name,
// such as backup-before-upgrade.tar.gz, have no time in their names.
func ParseName(name string) (time.Time, bool) {
	stamp, ok := cutName(name)
	if !ok {
		return time.Time{}, false
	}
	t, err := time.ParseInLocation(stampFormat, stamp, time.Local)
	return t, err == nil && t.Format(stampFormat) == stamp
}

// cutName returns what stands for * in backup-*.tar.gz or backup-*.tar.gz.age.
func cutName(name string) (string, bool) {
	rest, ok := strings.CutPrefix(strings.TrimSuffix(name, cryptSuffix), namePrefix)
	if !ok {
		return "", false
	}
	return strings.CutSuffix(rest, nameSuffix)
}

// newName returns a name for an archive that is made now. It keeps the order of the
// archives: two in a second, in the hour that a change of clocks repeats, or after a
// clock or a time zone that was hours ahead. Then the name is ahead of the time too.
// The times in manifests would not tell more: they come from the same clock.
func newName(dir string, now time.Time, suffix string) (string, error) {
	archives, err := Archives(dir)
	if err != nil {
		return "", err
	}
	stamp := now.Format(stampFormat)
	for _, a := range archives {
		other, _ := cutName(a.Name)
		if !a.Time.IsZero() && other >= stamp && a.Time.Sub(now) < zoneChange {
			stamp = a.Time.Add(time.Second).Format(stampFormat)
			break // the newest comes first
		}
	}
	return namePrefix + stamp + suffix, nil
}

// Archives returns the archives of a directory, the newest first. Behind them come
// those from the future, and last those without a time in their names. A directory
// that is missing has no archives.
func Archives(dir string) ([]Archive, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot list STORAGE_BACKUP_DIR: %w", err)
	}
	var archives []Archive
	for _, e := range entries {
		if _, ok := cutName(e.Name()); !ok || !e.Type().IsRegular() {
			continue
		}
		info, err := e.Info()
		if err != nil {
			continue // deleted a moment ago
		}
		t, _ := ParseName(e.Name())
		archives = append(archives, Archive{e.Name(), filepath.Join(dir, e.Name()), t, info.Size(), info.ModTime()})
	}
	now := time.Now()
	slices.SortFunc(archives, func(a, b Archive) int {
		return cmp.Or(cmp.Compare(a.rank(now), b.rank(now)), cmp.Compare(b.Name, a.Name))
	})
	return archives, nil
}

const (
	// zoneChange is the most that local times differ by in two time zones.
	zoneChange = 26 * time.Hour
	// maxAhead is how far a name may be ahead of the clock: names are in local time,
	// and may be a little ahead of one that is.
	maxAhead = zoneChange + time.Hour
)

// fromFuture reports whether the clock was wrong when the archive was made, or is
// wrong now: then its name does not tell how new it is.
func (a Archive) fromFuture(now time.Time) bool { return a.Time.Sub(now) > maxAhead }

// rank orders archives by how far their names can be trusted.
func (a Archive) rank(now time.Time) int {
	switch {
	case a.Time.IsZero():
		return 2
	case a.fromFuture(now):
		return 1
	}
	return 0
}

// warnFuture names an archive that is from the future, and says what follows.
func (r Runner) warnFuture(a Archive, what string) {
	if a.fromFuture(time.Now()) {
		r.Log.Warn().Msgf("%s is from the future: the clock was wrong when it was made, or is wrong now; %s", a.Path, what)
	}
}
