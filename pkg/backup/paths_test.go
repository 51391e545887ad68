package backup

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/pkg/backup/archive"
	"github.com/ZPascal/container-manager/pkg/fsutil"
)

// withPaths declares the data and configuration directories, with some content.
func withPaths(t *testing.T) *volume {
	t.Helper()
	v := newVolume(t)
	c := v.Config
	v.Config.BackupPaths = []string{c.DataDir, c.ConfDir}
	write(t, filepath.Join(c.DataDir, "db", "table"), "old rows")
	write(t, filepath.Join(c.DataDir, "cache", "x.tmp"), "worthless")
	write(t, filepath.Join(c.ConfDir, "app.ini"), "old settings")
	return v
}

// tree lists what is below a directory, with the content of files and without what
// restores have put away.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var lines []string
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && path != dir && isKept(d.Name()) && d.IsDir() {
			return fs.SkipDir
		}
		if err != nil || d.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		lines = append(lines, rel+"="+read(t, path))
		return nil
	}))
	return strings.Join(lines, " ")
}

// state lists what is in the storage beside the archives.
func (v *volume) state() string {
	v.t.Helper()
	var parts []string
	for _, name := range names(v.t, v.Config.StorageBaseDir) {
		if path := filepath.Join(v.Config.StorageBaseDir, name); path != v.Config.BackupDir && !isKept(name) {
			parts = append(parts, name+": "+tree(v.t, path))
		}
	}
	return strings.Join(parts, "\n")
}

// kept returns the directories and files that restores have put away.
func (v *volume) kept() []string {
	v.t.Helper()
	var kept []string
	must(v.t, filepath.WalkDir(v.Config.StorageBaseDir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && isKept(d.Name()) {
			kept = append(kept, path)
			if d.IsDir() {
				return fs.SkipDir
			}
		}
		return nil
	}))
	return kept
}

func TestPathsAreRestored(t *testing.T) {
	v := withPaths(t)
	v.Config.BackupExclude = []string{"*.tmp"}
	v.restoreScript("check.sh", `test -z "$(ls -A "$2")" && echo "sees $(cat `+v.Config.DataDir+`/db/table)"`)
	must(t, os.Chmod(filepath.Join(v.Config.DataDir, "db"), 0o750))
	made, err := v.Backup(t.Context())
	must(t, err)
	if made.Problems != 0 {
		t.Errorf("%d problems", made.Problems)
	}

	must(t, os.RemoveAll(filepath.Join(v.Config.DataDir, "db")))
	write(t, filepath.Join(v.Config.DataDir, "newer"), "new rows")
	must(t, os.RemoveAll(v.Config.ConfDir))
	_, err = v.Restore(t.Context(), Latest)
	must(t, err)
	if got := tree(t, v.Config.DataDir); got != "db/table=old rows" {
		t.Errorf("the data is %s", got)
	}
	if got := tree(t, v.Config.ConfDir); got != "app.ini=old settings" {
		t.Errorf("the configuration is %s", got)
	}
	if info, err := os.Stat(filepath.Join(v.Config.DataDir, "db")); err != nil || info.Mode().Perm() != 0o750 {
		t.Errorf("db has mode %v, %v", info.Mode(), err)
	}
	kept := v.kept()
	if len(kept) != 1 || tree(t, kept[0]) != "cache/x.tmp=worthless newer=new rows" {
		t.Errorf("kept %q", kept)
	}
	v.wantLog("sees old rows", "what was there before is kept as "+kept[0])
	v.noLeftovers()

	// The next backup leaves out what the restore has put away.
	again, err := v.Backup(t.Context())
	must(t, err)
	head, err := v.Verify(t.Context(), again.Archive)
	must(t, err)
	if head.Files != 2 {
		t.Errorf("the next archive has %d files", head.Files)
	}
}

func TestSingleFileIsRestored(t *testing.T) {
	v := newVolume(t)
	path := filepath.Join(v.Config.DataDir, "one.db")
	v.Config.BackupPaths = []string{path}
	write(t, path, "old")
	write(t, filepath.Join(v.Config.DataDir, "other"), "stays")
	_, err := v.Backup(t.Context())
	must(t, err)
	write(t, path, "new")
	_, err = v.Restore(t.Context(), Latest)
	must(t, err)
	kept := v.kept()
	if len(kept) != 1 || read(t, path) != "old" || read(t, kept[0]) != "new" || read(t, filepath.Join(v.Config.DataDir, "other")) != "stays" {
		t.Errorf("%s, kept %q", tree(t, v.Config.DataDir), kept)
	}
}

// TestEmptyDirectoriesAreNotKept is the first start: the storage directories are
// there, and empty.
func TestEmptyDirectoriesAreNotKept(t *testing.T) {
	v := withPaths(t)
	_, err := v.Backup(t.Context())
	must(t, err)
	for _, dir := range []string{v.Config.DataDir, v.Config.ConfDir} {
		must(t, errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o755)))
	}
	_, err = firstStart(v.Runner)
	must(t, err)
	if kept := v.kept(); len(kept) > 0 {
		t.Errorf("kept %q", kept)
	}
	if got := tree(t, v.Config.ConfDir); got != "app.ini=old settings" {
		t.Errorf("the configuration is %s", got)
	}
}

func TestPathThatIsALink(t *testing.T) {
	v := newVolume(t)
	elsewhere := filepath.Join(v.Config.StorageBaseDir, "elsewhere")
	write(t, filepath.Join(elsewhere, "f"), "old")
	must(t, os.Symlink(elsewhere, v.Config.DataDir))
	v.Config.BackupPaths = []string{v.Config.DataDir}
	_, err := v.Backup(t.Context())
	must(t, err)
	write(t, filepath.Join(elsewhere, "f"), "new")
	_, err = v.Restore(t.Context(), Latest)
	must(t, err)
	if info, err := os.Lstat(v.Config.DataDir); err != nil || info.Mode().Type() != fs.ModeSymlink || read(t, filepath.Join(elsewhere, "f")) != "old" {
		t.Errorf("%v, %v: %s", info.Mode(), err, tree(t, elsewhere))
	}
	// A link to where the archives are is no way around the check of the variable.
	must(t, errors.Join(os.Remove(v.Config.DataDir), os.Symlink(v.Config.StorageBaseDir, v.Config.DataDir)))
	made, err := v.Backup(t.Context())
	must(t, err)
	if made.Problems != 1 {
		t.Errorf("%d problems", made.Problems)
	}
	v.wantLog("it leads to a directory that holds the archives themselves")
}

func TestUndeclaredPathsAreRefused(t *testing.T) {
	v := withPaths(t)
	_, err := v.Backup(t.Context())
	must(t, err)
	v.Config.BackupPaths = []string{v.Config.ConfDir}
	_, err = v.Restore(t.Context(), Latest)
	wantError(t, err, "the archive holds "+v.Config.DataDir+", which IMAGE_BACKUP_PATHS=", "does not name: add it there")
	if errors.Is(err, archive.ErrInvalid) {
		t.Error("an older archive would be taken in its place")
	}
	if len(v.kept()) > 0 {
		t.Errorf("kept %q", v.kept())
	}
	v.noLeftovers()
}

func TestRestoreIsTakenBackWhenAScriptFails(t *testing.T) {
	v := withPaths(t)
	_, err := v.Backup(t.Context())
	must(t, err)
	write(t, filepath.Join(v.Config.DataDir, "db", "table"), "new rows")
	must(t, os.RemoveAll(v.Config.ConfDir))
	before := tree(t, v.Config.DataDir)
	v.restoreScript("import.sh", `grep -q old `+v.Config.DataDir+`/db/table && echo "cannot import"; exit 3`)
	_, err = v.Restore(t.Context(), Latest)
	wantError(t, err, "import.sh ended with exit status 3", "last output: cannot import")
	if got := tree(t, v.Config.DataDir); got != before {
		t.Errorf("the data is %s, want %s", got, before)
	}
	if fsutil.Exists(v.Config.ConfDir) {
		t.Error("the configuration is there")
	}
	// What has been in place is kept, because the script or somebody else may have
	// written to it.
	kept := v.kept()
	if len(kept) != 2 || tree(t, kept[0]) != "app.ini=old settings" || tree(t, kept[1]) != "cache/x.tmp=worthless db/table=old rows" {
		t.Errorf("kept %q", kept)
	}
	v.wantLog("what was in place of " + v.Config.DataDir + " when the restore was taken back is kept as " + kept[1] + ": remove it")
	v.noLeftovers()
}

// TestBrokenArchiveTouchesNothing breaks an archive where only its content shows
// it, behind everything else.
func TestBrokenArchiveTouchesNothing(t *testing.T) {
	v := withPaths(t)
	made, err := v.Backup(t.Context())
	must(t, err)
	data := []byte(read(t, made.Archive))
	data[len(data)-4] ^= 1 // of the last sum
	must(t, os.WriteFile(made.Archive, data, 0o600))
	before := v.state()
	_, err = v.Restore(t.Context(), filepath.Base(made.Archive))
	wantError(t, err, made.Archive+": the archive is invalid: gzip: invalid checksum")
	if got := v.state(); got != before {
		t.Errorf("there is\n%s\nwant\n%s", got, before)
	}
	v.noLeftovers()
}

func TestStagedNameThatIsTaken(t *testing.T) {
	v := newVolume(t)
	v.backupScript("a.sh", `mkdir "$2/`+archive.PathsDir+`"`)
	_, err := v.Backup(t.Context())
	wantError(t, err, "a script has staged IMAGE_BACKUP_PATHS, a name that archives have a use of their own for")
}
