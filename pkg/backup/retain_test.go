package backup

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/retention"
)

// plainArchive makes an archive with tar, as an operator may.
func (v *volume) plainArchive(name string) string {
	v.t.Helper()
	dir := v.t.TempDir()
	write(v.t, filepath.Join(dir, "f"), name)
	path := filepath.Join(v.Config.BackupDir, name)
	must(v.t, os.MkdirAll(v.Config.BackupDir, 0o755))
	out, err := exec.Command("tar", "-czf", path, "-C", dir, "f").CombinedOutput()
	if err != nil {
		v.t.Fatalf("%v: %s", err, out)
	}
	return path
}

func TestRetentionKeepsTheNewest(t *testing.T) {
	v := newVolume(t)
	for _, name := range []string{"backup-2026-01-01_00:00:00", "backup-2026-01-02_00:00:00", "backup-2026-01-03_00:00:00"} {
		path := v.plainArchive(name + ".tar.gz")
		// The times of files mean nothing: the oldest was touched last.
		must(t, os.Chtimes(path, time.Time{}, time.Now().AddDate(1, 0, 0)))
	}
	v.backupScript("a.sh", `echo a >"$2/a"`)
	made, err := v.Backup(t.Context())
	must(t, err)
	want := []string{"backup-2026-01-02_00:00:00.tar.gz", "backup-2026-01-03_00:00:00.tar.gz", filepath.Base(made.Archive)}
	if got := names(t, v.Config.BackupDir); !slices.Equal(got, want) {
		t.Errorf("there is %q, want %q", got, want)
	}
	v.wantLog("keep the newest 3: 3 of 4 archives", "deleted "+filepath.Join(v.Config.BackupDir, "backup-2026-01-01_00:00:00.tar.gz"))
}

// TestForeignNamesStay has files and directories in the backup directory that
// are somebody else's.
func TestForeignNamesStay(t *testing.T) {
	v := newVolume(t)
	v.Config.BackupRetention = retention.Policy{Newest: 1}
	foreign := []string{
		"backup-2026-01-01.tar.gz", "backup-2026-13-01_00:00:00.tar.gz", "backup-mine.tar.gz", "notes",
		"backup-2026-01-01_00:00:00.tar.gz.bak", "backup-2026-01-01_00:00:00.tar", "x.partial", "old-backup-2026-01-01_00:00:00.tar.gz",
	}
	for _, name := range foreign {
		write(t, filepath.Join(v.Config.BackupDir, name), "mine")
	}
	write(t, filepath.Join(v.Config.BackupDir, "backup-2026-01-05_00:00:00.tar.gz", "a directory"), "mine")
	must(t, os.Symlink("/etc/passwd", filepath.Join(v.Config.BackupDir, "backup-2026-01-06_00:00:00.tar.gz")))
	v.plainArchive("backup-2026-01-07_00:00:00.tar.gz")
	v.backupScript("a.sh", `echo a >"$2/a"`)
	made, err := v.Backup(t.Context())
	must(t, err)
	want := slices.Sorted(slices.Values(append(foreign, "backup-2026-01-05_00:00:00.tar.gz", "backup-2026-01-06_00:00:00.tar.gz", filepath.Base(made.Archive))))
	if got := names(t, v.Config.BackupDir); !slices.Equal(got, want) {
		t.Errorf("there is %q, want %q", got, want)
	}
}

func TestOnlyWholeArchivesCount(t *testing.T) {
	v := newVolume(t)
	v.Config.BackupRetention = retention.Policy{Newest: 2}
	good := v.plainArchive("backup-2026-01-01_00:00:00.tar.gz")
	old := v.plainArchive("backup-2025-01-01_00:00:00.tar.gz")
	broken := filepath.Join(v.Config.BackupDir, "backup-2026-01-02_00:00:00.tar.gz")
	write(t, broken, "broken")
	v.backupScript("a.sh", `echo a >"$2/a"`)
	_, err := v.Backup(t.Context())
	must(t, err)
	for path, want := range map[string]bool{good: true, broken: true, old: false} {
		if fsutil.Exists(path) != want {
			t.Errorf("%s is there: %v, want %v", path, !want, want)
		}
	}
	v.wantLog(broken + ": the archive is invalid: ")
	// What was read once is not read again.
	if _, ok := v.readIndex()[filepath.Base(good)]; !ok {
		t.Error("the index does not know the old archive")
	}
}

// TestArchivesFromTheFuture is about clocks: an archive that a wrong clock has made
// is not newer than the others, and takes no place of those that are kept.
func TestArchivesFromTheFuture(t *testing.T) {
	v := newVolume(t)
	v.Config.BackupRetention = retention.Policy{Newest: 1}
	future := v.plainArchive("backup-2999-01-01_00:00:00.tar.gz")
	old := v.plainArchive("backup-2026-01-01_00:00:00.tar.gz")
	v.backupScript("a.sh", `echo a >"$2/a"`)
	made, err := v.Backup(t.Context())
	must(t, err)
	if !fsutil.Exists(future) || !fsutil.Exists(made.Archive) || fsutil.Exists(old) {
		t.Errorf("the one of the future: %v, the new one: %v, the old one: %v", fsutil.Exists(future), fsutil.Exists(made.Archive), fsutil.Exists(old))
	}
	v.wantLog(future+" is from the future: ", "it is neither counted nor deleted")
	for _, restore := range []func() (string, error){
		func() (string, error) { got, err := v.Restore(t.Context(), Latest); return got.Archive, err },
		func() (string, error) { return v.restoreFirst(t.Context()) },
	} {
		if got, err := restore(); err != nil || got != made.Archive {
			t.Errorf("restored %s: %v", got, err)
		}
	}
	must(t, os.Remove(made.Archive))
	if got, err := v.restoreFirst(t.Context()); err != nil || got != future {
		t.Errorf("with nothing else, restored %s: %v", got, err)
	}
	v.wantLog(future + " is from the future: the clock was wrong when it was made, or is wrong now; it is tried only because")
}

// TestClockThatWasHoursAhead makes an archive by a clock that takes the local time for
// UTC, and another one when it is right again. The second is the newest.
func TestClockThatWasHoursAhead(t *testing.T) {
	v := newVolume(t)
	first, err := v.Backup(t.Context())
	must(t, err)
	ahead := namePrefix + time.Now().Add(14*time.Hour).Format(stampFormat) + nameSuffix
	must(t, os.Rename(first.Archive, filepath.Join(v.Config.BackupDir, ahead)))
	second, err := v.Backup(t.Context())
	must(t, err)
	if got, err := v.Restore(t.Context(), Latest); err != nil || got.Archive != second.Archive {
		t.Errorf("restored %s, want %s: %v", got.Archive, second.Archive, err)
	}
}

func TestNothingIsDeletedAfterAFailure(t *testing.T) {
	v := newVolume(t)
	v.Config.BackupRetention = retention.Policy{Newest: 1}
	v.plainArchive("backup-2026-01-01_00:00:00.tar.gz")
	v.plainArchive("backup-2026-01-02_00:00:00.tar.gz")
	v.backupScript("a.sh", `exit 1`)
	if _, err := v.Backup(t.Context()); err == nil {
		t.Error("the backup did not fail")
	}
	if got := names(t, v.Config.BackupDir); len(got) != 2 {
		t.Errorf("there is %q", got)
	}
}

func TestNothingIsDeletedWhenFilesAreMissing(t *testing.T) {
	v := newVolume(t)
	v.Config.BackupRetention = retention.Policy{Newest: 1}
	v.Config.BackupPaths = []string{filepath.Join(v.Config.StorageBaseDir, "nowhere")}
	v.plainArchive("backup-2026-01-01_00:00:00.tar.gz")
	made, err := v.Backup(t.Context())
	must(t, err)
	if made.Problems != 1 {
		t.Errorf("%d problems, want 1", made.Problems)
	}
	if got := names(t, v.Config.BackupDir); len(got) != 2 {
		t.Errorf("there is %q", got)
	}
	v.wantLog("no old archive is deleted")
}

// TestExpiredAsksNoMoreThanItMust counts which archives are read.
func TestExpiredAsksNoMoreThanItMust(t *testing.T) {
	var archives []Archive
	for day := range 20 {
		at := time.Date(2026, 1, 1+day, 0, 0, 0, 0, time.UTC)
		archives = append(archives, Archive{Name: at.Format("02"), Time: at})
	}
	bad := map[string]bool{"20": true, "18": true, "01": true}
	var asked []string
	keep, expire := expired(retention.Policy{Newest: 3}, archives, func(a Archive) bool {
		asked = append(asked, a.Name)
		return !bad[a.Name]
	})
	var kept []string
	for _, a := range keep {
		kept = append(kept, a.Name)
	}
	if got := strings.Join(kept, " "); got != "19 17 16" {
		t.Errorf("kept %s", got)
	}
	if got := strings.Join(asked, " "); got != "20 19 18 17 16" {
		t.Errorf("asked %s", got)
	}
	if len(expire) != 15 {
		t.Errorf("%d expire", len(expire))
	}
}
