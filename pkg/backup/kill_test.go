package backup

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/backup/archive"
	"github.com/ZPascal/container-manager/test/testenv"
)

// killing is a volume and processes that work on it and are killed at random
// moments.
type killing struct {
	*volume
	random *rand.Rand
	trial  int
}

// kill runs a body many times: some for every change, in memory where the test may
// mount; FAULT_TRIALS, on the disk, before a release. FAULT_SEED repeats a run, as far
// as a matter of moments can be repeated. A second round has the data on a file
// system of its own, which can only be exchanged from inside.
func kill(t *testing.T, trials int, body func(k *killing)) {
	t.Helper()
	testenv.NotQuick(t)
	inMemory := true
	if n, err := strconv.Atoi(os.Getenv("FAULT_TRIALS")); err == nil {
		trials, inMemory = n, false
	}
	seed := rand.Uint64()
	if n, err := strconv.ParseUint(os.Getenv("FAULT_SEED"), 10, 64); err == nil {
		seed = n
	}
	for _, name := range []string{"directory", "mount"} {
		t.Run(name, func(t *testing.T) {
			k := &killing{volume: newVolume(t), random: rand.New(rand.NewPCG(seed, 0))}
			k.Config.BackupPaths = []string{k.Config.DataDir, k.Config.ConfDir}
			if inMemory {
				mountForTest(t, k.Config.StorageBaseDir)
			}
			must(t, os.MkdirAll(k.Config.DataDir, 0o755))
			if name == "mount" {
				mountForTest(t, k.Config.DataDir)
			}
			k.fill("old")
			_, err := k.Backup(t.Context())
			must(t, err)
			k.fill("new")
			for k.trial = range trials {
				body(k)
				if t.Failed() {
					t.Fatalf("trial %d of %d, FAULT_SEED=%d", k.trial, trials, seed)
				}
				k.log.Reset()
			}
			t.Logf("%d trials, FAULT_SEED=%d", trials, seed)
		})
	}
}

// mountForTest mounts a file system. Users who may not have a directory instead.
func mountForTest(t *testing.T, dir string) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	must(t, unix.Mount("tmpfs", dir, "tmpfs", 0, ""))
	t.Cleanup(func() { must(t, unix.Unmount(dir, unix.MNT_DETACH)) })
}

// fill makes the data that of a state with a name, the same each time.
func (v *volume) fill(state string) {
	v.t.Helper()
	for _, dir := range []string{v.Config.DataDir, v.Config.ConfDir} {
		emptyDir(v.t, dir)
	}
	random := rand.NewChaCha8([32]byte([]byte(fmt.Sprintf("%-32s", state))))
	block := make([]byte, 1<<20)
	for i := range 6 {
		_, _ = random.Read(block)
		write(v.t, filepath.Join(v.Config.DataDir, fmt.Sprint("large", i)), string(block))
	}
	for i := range 200 {
		write(v.t, filepath.Join(v.Config.DataDir, fmt.Sprint(i%20), fmt.Sprint(i)), strings.Repeat(state, i))
	}
	write(v.t, filepath.Join(v.Config.DataDir, "only-"+state), state)
	write(v.t, filepath.Join(v.Config.ConfDir, "state"), state)
}

func emptyDir(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if os.IsNotExist(err) {
		return
	}
	must(t, err)
	for _, e := range entries {
		must(t, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
}

// content is what the data and the configuration are now.
func (v *volume) content() string {
	v.t.Helper()
	text := ""
	for _, dir := range []string{v.Config.DataDir, v.Config.ConfDir} {
		names, err := entryNames(dir)
		if err != nil {
			return "not there"
		}
		for _, name := range names {
			text += name + ":" + tree(v.t, filepath.Join(dir, name)) + "\n"
		}
	}
	return text
}

// renew removes what former trials have left, and gives each directory a file that
// no other trial has.
func (k *killing) renew() (former string) {
	k.t.Helper()
	for _, kept := range k.kept() {
		must(k.t, os.RemoveAll(kept))
	}
	k.fill("new")
	for _, dir := range []string{k.Config.DataDir, k.Config.ConfDir} {
		write(k.t, filepath.Join(dir, "former"), k.unique(dir))
	}
	return k.content()
}

func (k *killing) unique(what string) string { return fmt.Sprintf("trial %d: %s", k.trial, what) }

// run starts a program of TestMain and kills it at a random moment within a time.
// It returns how long it took to that.
func (k *killing) run(what string, within time.Duration) time.Duration {
	k.t.Helper()
	var out bytes.Buffer
	cmd := helper(k.t, what, filepath.Dir(k.Config.RunDir))
	cmd.Stdout, cmd.Stderr = &out, &out
	began := time.Now()
	must(k.t, cmd.Start())
	if within > 0 {
		moment := time.AfterFunc(time.Duration(k.random.Int64N(int64(within))), func() { _ = cmd.Process.Kill() })
		defer moment.Stop()
	}
	if err := cmd.Wait(); err != nil && err.Error() != "signal: killed" {
		k.t.Fatalf("%s: %v: %s", what, err, out.Bytes())
	}
	return time.Since(began)
}

// start writes to both directories as an app does that is started at this moment,
// and returns what it has written.
func (k *killing) start(name string) (written []string) {
	k.t.Helper()
	for _, dir := range []string{k.Config.DataDir, k.Config.ConfDir} {
		if k.random.IntN(2) == 0 {
			written = append(written, k.unique(name+" "+dir))
			write(k.t, filepath.Join(dir, name), written[len(written)-1])
		}
	}
	return written
}

// wantKept fails unless everything is live or kept.
func (k *killing) wantKept(written []string) {
	k.t.Helper()
	for _, text := range append(written, k.unique(k.Config.DataDir), k.unique(k.Config.ConfDir)) {
		k.wantSomewhere(text)
	}
}

// TestKilledBackups kills backups. Whatever has the name of an archive is whole,
// and none is lost.
func TestKilledBackups(t *testing.T) {
	whole := map[*volume]time.Duration{}
	verified := map[string]bool{}
	kill(t, 6, func(k *killing) {
		if whole[k.volume] == 0 {
			whole[k.volume] = k.run("backup", 0)
		}
		before := k.content()
		had := len(names(t, k.Config.BackupDir))
		k.run("backup", whole[k.volume])
		after := 0
		for _, name := range names(t, k.Config.BackupDir) {
			if strings.HasSuffix(name, partialSuffix) {
				continue
			}
			after++
			if path := filepath.Join(k.Config.BackupDir, name); !verified[path] {
				_, err := archive.Verify(t.Context(), k.source(path), archive.Limits{}, func(int) {})
				must(t, err)
				verified[path] = true
			}
		}
		if after < min(had-1, 3) { // one may have been a .partial
			t.Fatalf("%d archives, and there were %d", after, had)
		}
		if k.trial%8 == 7 {
			_, err := k.Backup(t.Context())
			must(t, err)
			k.noLeftovers()
		}
		if k.content() != before {
			t.Error("the data is not what it was")
		}
	})
}

// TestKilledRestores kills restores, and at times the take-back as well; at times
// an app is started in between and writes. With the next start the data is all of
// the former state or all of the restored one, and nothing that ever was in place
// is gone.
func TestKilledRestores(t *testing.T) {
	whole := map[*volume]time.Duration{}
	kill(t, 6, func(k *killing) {
		if whole[k.volume] == 0 {
			whole[k.volume] = k.run("restore", 0)
		}
		former := k.renew()
		k.run("restore", whole[k.volume])
		var written []string
		if k.trial%2 == 1 {
			written = append(written, k.start("since")...)
			k.run("recover", 50*time.Millisecond)
			k.wantKept(written)
			written = append(written, k.start("later")...)
		}
		must(k.t, k.Recover(k.t.Context()))
		k.wantKept(written)
		now := k.content()
		if len(written) == 0 && now != former && (!strings.Contains(now, "only-old") || strings.Contains(now, "only-new")) {
			k.t.Error("the data is of neither state")
		}
		if !strings.Contains(now, "only-old") && !strings.Contains(now, "only-new") || now == "not there" {
			k.t.Errorf("the data is gone: %.200s", now)
		}
		if _, err := k.Restore(k.t.Context(), Latest); err != nil || !strings.Contains(k.content(), "only-old") {
			k.t.Errorf("the next restore: %v", err)
		}
		k.wantKept(written)
		k.noLeftovers()
	})
}

// TestKilledTakeBacks kills the take-back of restores that were killed when all
// was in place. Then everything is as it was.
func TestKilledTakeBacks(t *testing.T) {
	kill(t, 6, func(k *killing) {
		former := k.renew()
		archives, err := Archives(k.Config.BackupDir)
		must(k.t, err)
		k.halfRestored(archives[0].Path, 1<<30)
		written := k.start("since")
		for range 1 + k.random.IntN(3) {
			k.run("recover", 60*time.Millisecond)
		}
		must(k.t, k.Recover(k.t.Context()))
		k.wantKept(written)
		for _, dir := range []string{k.Config.DataDir, k.Config.ConfDir} {
			// Below a mount point a name of its own has displaced nothing.
			must(k.t, os.RemoveAll(filepath.Join(dir, "since")))
		}
		if now := k.content(); now != former {
			k.t.Errorf("the data is %.300s", now)
		}
		if k.trial%8 == 7 {
			_, err := k.Backup(k.t.Context())
			must(k.t, err)
			k.noLeftovers()
		}
	})
}

// TestKilledFirstStarts kills starts that restore, until one comes to its end. The
// archive is restored once, and what was there before is kept once.
func TestKilledFirstStarts(t *testing.T) {
	whole := map[*volume]time.Duration{}
	kill(t, 6, func(k *killing) {
		record := filepath.Join(k.Config.StorageBaseDir, ".record")
		if whole[k.volume] == 0 {
			whole[k.volume] = k.run("first", 0)
		}
		k.renew()
		must(k.t, os.Remove(record))
		for range 1 + k.random.IntN(3) {
			k.run("first", whole[k.volume])
		}
		archive, err := firstStart(k.Runner)
		must(k.t, err)
		if now := k.content(); archive == "" || !strings.Contains(now, "only-old") || strings.Contains(now, "only-new") {
			k.t.Errorf("restored %q, the data is %.300s", archive, now)
		}
		former := 0
		for _, kept := range k.kept() {
			if strings.Contains(kept, keptMark) {
				former++
			}
		}
		if former != 2 {
			k.t.Errorf("kept %q, want the former content of both, once", k.kept())
		}
		k.wantKept(nil)
		k.noLeftovers()
	})
}

// large is a volume with a backup that takes some room.
func large(t *testing.T) *volume {
	t.Helper()
	v := newVolume(t)
	v.Config.BackupPaths = []string{v.Config.DataDir, v.Config.ConfDir}
	v.fill("old")
	return v
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
