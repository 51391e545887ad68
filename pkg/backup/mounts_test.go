package backup

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// mountedVolume mounts file systems at the data directory, and at one and a file
// below the other. Mounting is for root; other users plan with made up ones.
func mountedVolume(t *testing.T) *volume {
	t.Helper()
	v := withPaths(t)
	mount := func(source, target, fstype string, flags uintptr) {
		must(t, unix.Mount(source, target, fstype, flags, ""))
		t.Cleanup(func() { must(t, unix.Unmount(target, unix.MNT_DETACH)) })
	}
	must(t, os.RemoveAll(v.Config.DataDir))
	must(t, os.MkdirAll(v.Config.DataDir, 0o755))
	mount("tmpfs", v.Config.DataDir, "tmpfs", 0)
	write(t, filepath.Join(v.Config.DataDir, "db", "table"), "old rows")
	must(t, os.MkdirAll(filepath.Join(v.Config.ConfDir, "sub", "other"), 0o755))
	mount("tmpfs", filepath.Join(v.Config.ConfDir, "sub", "other"), "tmpfs", 0)
	write(t, filepath.Join(v.Config.ConfDir, "sub", "other", "f"), "of another volume")
	write(t, filepath.Join(v.Config.ConfDir, "sub", "own"), "old")
	write(t, filepath.Join(v.Config.ConfDir, "map"), "")
	source := filepath.Join(t.TempDir(), "map")
	write(t, source, "of a ConfigMap")
	mount(source, filepath.Join(v.Config.ConfDir, "map"), "", unix.MS_BIND)
	return v
}

func TestMountPoints(t *testing.T) {
	if os.Geteuid() != 0 {
		testExchangePlan(t)
		return
	}
	v := mountedVolume(t)
	made, err := v.Backup(t.Context())
	must(t, err)
	if made.Problems != 0 {
		t.Errorf("%d problems", made.Problems)
	}
	v.wantLog("left out "+filepath.Join(v.Config.ConfDir, "sub", "other")+", where another file system is mounted",
		"left out "+filepath.Join(v.Config.ConfDir, "map")+", where another file system is mounted")

	write(t, filepath.Join(v.Config.DataDir, "db", "table"), "new rows")
	write(t, filepath.Join(v.Config.DataDir, "extra"), "new")
	write(t, filepath.Join(v.Config.ConfDir, "sub", "own"), "new")
	write(t, filepath.Join(v.Config.ConfDir, "sub", "added"), "new")
	write(t, filepath.Join(v.Config.ConfDir, "app.ini"), "new settings")
	before := v.state()
	v.restoreScript("fail.sh", "exit 1")
	_, err = v.Restore(t.Context(), Latest)
	wantError(t, err, "fail.sh")
	if got := v.state(); got != before {
		t.Errorf("after a failure\n%s\nwant\n%s", got, before)
	}
	must(t, os.Remove(filepath.Join(v.Config.RestoreScriptsDir, "fail.sh")))
	aside := v.kept()
	if len(aside) != 2 || tree(t, aside[0])+" "+tree(t, aside[1]) != "app.ini=old settings sub/own=old db/table=old rows" {
		t.Errorf("set aside %q", aside)
	}
	must(t, errors.Join(os.RemoveAll(aside[0]), os.RemoveAll(aside[1])))

	_, err = v.Restore(t.Context(), Latest)
	must(t, err)
	kept := v.kept()
	if len(kept) != 2 || filepath.Dir(kept[0]) != v.Config.ConfDir || filepath.Dir(kept[1]) != v.Config.DataDir {
		t.Fatalf("kept %q", kept)
	}
	if got := tree(t, kept[0]) + " " + tree(t, kept[1]); got != "app.ini=new settings sub/added=new sub/own=new db/table=new rows extra=new" {
		t.Errorf("kept %s", got)
	}
	must(t, errors.Join(os.RemoveAll(kept[0]), os.RemoveAll(kept[1])))
	if got := tree(t, v.Config.ConfDir); got != "app.ini=old settings map=of a ConfigMap sub/other/f=of another volume sub/own=old" {
		t.Errorf("the configuration is %s", got)
	}
	if got := tree(t, v.Config.DataDir); got != "db/table=old rows" {
		t.Errorf("the data is %s", got)
	}
	v.noLeftovers()
}

// testExchangePlan plans around mount points that are made up.
func testExchangePlan(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{"old/a", "old/sub/own", "old/sub/other/f", "new/a", "new/sub/own", "new/b"} {
		write(t, filepath.Join(dir, path), path)
	}
	mounts := map[string]bool{filepath.Join(dir, "old/sub/other"): true}
	swaps, err := exchange(filepath.Join(dir, "old"), filepath.Join(dir, "new"), filepath.Join(dir, "kept"), filepath.Join(dir, "aside"), mounts)
	must(t, err)
	for _, s := range swaps {
		must(t, s.do())
	}
	if got := tree(t, filepath.Join(dir, "old")); got != "a=new/a b=new/b sub/other/f=old/sub/other/f sub/own=new/sub/own" {
		t.Errorf("there is %s", got)
	}
	if got := tree(t, filepath.Join(dir, "kept")); got != "a=old/a sub/own=old/sub/own" {
		t.Errorf("kept is %s", got)
	}
}

// TestPathThatWasAFileSystem backs up a path and one below it, where a file
// system was mounted, and restores them where there is none.
func TestPathThatWasAFileSystem(t *testing.T) {
	v := newVolume(t)
	inner := filepath.Join(v.Config.DataDir, "sub", "inner")
	write(t, filepath.Join(v.Config.DataDir, "f"), "outer")
	write(t, filepath.Join(inner, "f"), "inner")
	v.Config.BackupPaths = []string{inner, v.Config.DataDir}
	if os.Geteuid() == 0 {
		must(t, unix.Mount("tmpfs", inner, "tmpfs", 0, ""))
		write(t, filepath.Join(inner, "f"), "inner")
	} else {
		v.Config.BackupExclude = []string{inner} // as if it were one
	}
	_, err := v.Backup(t.Context())
	must(t, err)
	if os.Geteuid() == 0 {
		must(t, unix.Unmount(inner, 0))
	}
	must(t, os.RemoveAll(v.Config.DataDir))
	_, err = v.Restore(t.Context(), Latest)
	must(t, err)
	if os.Geteuid() == 0 {
		if got := tree(t, v.Config.DataDir); got != "f=outer sub/inner/f=inner" {
			t.Errorf("the data is %s", got)
		}
	}
	v.noLeftovers()
}
