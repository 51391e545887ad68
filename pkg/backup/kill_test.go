package backup

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/backup/archive"
	"github.com/ZPascal/container-manager/test/testenv"
)

// large is a volume on which a backup takes long enough to be killed in the
// midst of anything.
func large(t *testing.T) *volume {
	t.Helper()
	v := newVolume(t)
	v.Config.BackupPaths = []string{v.Config.DataDir, v.Config.ConfDir}
	v.fill("old")
	return v
}

// fill makes the data that of a state with a name, the same each time.
func (v *volume) fill(state string) {
	v.t.Helper()
	must(v.t, os.RemoveAll(v.Config.DataDir))
	must(v.t, os.RemoveAll(v.Config.ConfDir))
	random := rand.NewChaCha8([32]byte([]byte(fmt.Sprintf("%-32s", state))))
	block := make([]byte, 1<<20)
	for i := range 6 {
		_, _ = random.Read(block)
		write(v.t, filepath.Join(v.Config.DataDir, fmt.Sprint("large", i)), string(block))
	}
	for i := range 200 {
		write(v.t, filepath.Join(v.Config.DataDir, fmt.Sprint(i%10), fmt.Sprint(i)), strings.Repeat(state, i))
	}
	write(v.t, filepath.Join(v.Config.ConfDir, "state"), state)
}

// content is what the data and the configuration are now.
func (v *volume) content() string {
	v.t.Helper()
	if !exists(v.Config.DataDir) || !exists(v.Config.ConfDir) {
		return "not there"
	}
	return tree(v.t, v.Config.DataDir) + tree(v.t, v.Config.ConfDir)
}

// killed starts the helper and kills it at a random moment of the time that a
// whole run takes.
func (v *volume) killed(what string, whole time.Duration) {
	v.t.Helper()
	var out bytes.Buffer
	cmd := helper(v.t, what, filepath.Dir(v.Config.RunDir))
	cmd.Stdout, cmd.Stderr = &out, &out
	must(v.t, cmd.Start())
	moment := time.AfterFunc(rand.N(whole), func() { _ = cmd.Process.Kill() })
	err := cmd.Wait()
	moment.Stop()
	if err != nil && err.Error() != "signal: killed" {
		v.t.Fatalf("%v: %s", err, out.Bytes())
	}
}

// wholeRun returns how long a run of the helper takes.
func (v *volume) wholeRun(what string) time.Duration {
	v.t.Helper()
	began := time.Now()
	out, err := helper(v.t, what, filepath.Dir(v.Config.RunDir)).CombinedOutput()
	if err != nil {
		v.t.Fatalf("%v: %s", err, out)
	}
	return time.Since(began)
}

// TestKilledBackups kills backups at random moments. Whatever has the name of an
// archive is whole, and none is lost.
func TestKilledBackups(t *testing.T) {
	testenv.NotQuick(t)
	v := large(t)
	before := v.content()
	whole := v.wholeRun("backup")
	verified := map[string]bool{}
	for range *kills {
		had := len(names(t, v.Config.BackupDir))
		v.killed("backup", whole)
		after := 0
		for _, name := range names(t, v.Config.BackupDir) {
			if strings.HasSuffix(name, partialSuffix) {
				continue
			}
			after++
			if !verified[name] {
				_, err := archive.Verify(t.Context(), v.source(filepath.Join(v.Config.BackupDir, name)), archive.Limits{}, func(int) {})
				must(t, err)
				verified[name] = true
			}
		}
		if after < min(had-1, 3) { // one may have been a .partial
			t.Fatalf("%d archives, and there were %d", after, had)
		}
	}
	_, err := v.Backup(t.Context())
	must(t, err)
	v.noLeftovers()
	if v.content() != before {
		t.Error("the data is not what it was")
	}
}

// TestKilledRestores kills restores at random moments. With the next start the
// data is all of the former state or all of the restored one, and the former
// content is never gone. The restore that comes then succeeds.
func TestKilledRestores(t *testing.T) {
	testenv.NotQuick(t)
	v := large(t)
	_, err := v.Backup(t.Context())
	must(t, err)
	restored := v.content()
	v.fill("new")
	former := v.content()
	whole := v.wholeRun("restore")
	for range *kills {
		for _, kept := range v.kept() {
			must(t, os.RemoveAll(kept))
		}
		v.fill("new")
		v.killed("restore", whole)
		must(t, Recover(t.Context(), v.Config, v.Log))
		switch now := v.content(); {
		case now == former:
		case now != restored:
			t.Fatal("the data is of neither state")
		case len(v.kept()) != 2:
			t.Fatalf("the restore is done, but of the former content there is %q", v.kept())
		}
		archive, err := RestoreNewest(t.Context(), v.Config, v.Log)
		must(t, err)
		if archive == "" || v.content() != restored {
			t.Fatal("the next restore did not restore")
		}
		v.noLeftovers()
	}
}

// TestFullDisk has less and less room on the file system for backups and
// restores, until they succeed no more. Where one fails, all is as it was.
func TestFullDisk(t *testing.T) {
	testenv.NotQuick(t)
	if os.Geteuid() != 0 {
		testLargeFiles(t)
		return
	}
	v := large(t)
	v.backupScript("a.sh", `head -c 300000 /dev/urandom >"$2/dump"`)
	must(t, os.MkdirAll(v.Config.BackupDir, 0o755))
	must(t, unix.Mount("tmpfs", v.Config.BackupDir, "tmpfs", 0, "size=24m"))
	t.Cleanup(func() { must(t, unix.Unmount(v.Config.BackupDir, unix.MNT_DETACH)) })
	first, err := v.Backup(t.Context())
	must(t, err)
	failed := v.withLessAndLess(v.Config.BackupDir, 15<<20, func() error { _, err := v.Backup(t.Context()); return err }, func() {
		_, err := archive.Verify(t.Context(), v.source(first.Archive), archive.Limits{}, func(int) {})
		must(t, err)
	})
	if failed < 5 {
		t.Errorf("only %d backups failed", failed)
	}

	// The same for a restore, with the data on a small file system.
	must(t, os.RemoveAll(v.Config.DataDir))
	must(t, os.Mkdir(v.Config.DataDir, 0o755))
	must(t, unix.Mount("tmpfs", v.Config.DataDir, "tmpfs", 0, "size=16m"))
	t.Cleanup(func() { must(t, unix.Unmount(v.Config.DataDir, unix.MNT_DETACH)) })
	write(t, filepath.Join(v.Config.DataDir, "former"), "content")
	failed = v.withLessAndLess(v.Config.DataDir, 8<<20, func() error {
		_, err := v.Restore(t.Context(), first.Archive)
		if err == nil {
			for _, kept := range v.kept() {
				must(t, os.RemoveAll(kept))
			}
			entries, err := entryNames(v.Config.DataDir)
			must(t, err)
			for _, name := range entries {
				if name != "ballast" {
					must(t, os.RemoveAll(filepath.Join(v.Config.DataDir, name)))
				}
			}
			write(t, filepath.Join(v.Config.DataDir, "former"), "content")
		}
		return err
	}, func() {
		if read(t, filepath.Join(v.Config.DataDir, "former")) != "content" || len(v.kept()) > 0 {
			t.Fatalf("kept %q", v.kept())
		}
	})
	if failed < 5 {
		t.Errorf("only %d restores failed", failed)
	}
}

// withLessAndLess runs something with room for less and less on a file system,
// and checks whenever it fails. It returns how often that was.
func (v *volume) withLessAndLess(dir string, most int64, run func() error, check func()) (failed int) {
	v.t.Helper()
	for room := most; room >= 0; room -= most / 16 {
		ballast := filepath.Join(dir, "ballast")
		fillUp(v.t, ballast, room)
		err := run()
		_ = os.Remove(ballast)
		if err == nil {
			continue
		}
		failed++
		if text := err.Error(); !strings.Contains(text, "No space left on device") && // of the script
			!(strings.Contains(text, "no space left on device") && strings.Contains(text, "make room on the file system of "+dir)) {
			v.t.Errorf("with room for %d bytes: %v", room, err)
		}
		check()
		v.noLeftovers()
	}
	return failed
}

// fillUp writes a file that leaves so much room on its file system.
func fillUp(t *testing.T, path string, room int64) {
	t.Helper()
	var fs unix.Statfs_t
	must(t, unix.Statfs(filepath.Dir(path), &fs))
	f, err := os.Create(path)
	must(t, err)
	defer f.Close()
	_, err = io.CopyN(f, rand.NewChaCha8([32]byte{}), max(int64(fs.Bavail)*fs.Bsize-room, 0))
	must(t, err)
}

// testLargeFiles stands in where no file system can be mounted: no file may be
// larger than a limit.
func testLargeFiles(t *testing.T) {
	v := large(t)
	first, err := v.Backup(t.Context())
	must(t, err)
	before := v.state()
	for _, what := range []string{"backup", "restore"} {
		for _, limit := range []string{"10", "20000", "500000", "1000000"} {
			out, err := helper(t, what, filepath.Dir(v.Config.RunDir), limit).CombinedOutput()
			if err == nil || !strings.Contains(string(out), "file too large") {
				t.Errorf("%s with files of %s bytes at most: %v: %s", what, limit, err, out)
			}
			_, err = archive.Verify(t.Context(), v.source(first.Archive), archive.Limits{}, func(int) {})
			must(t, err)
			if got := names(t, v.Config.BackupDir); len(got) != 1 || v.state() != before {
				t.Errorf("%s with files of %s bytes at most: there is %q", what, limit, got)
			}
		}
	}
	_, err = v.Backup(t.Context())
	must(t, err)
	v.noLeftovers()
}
