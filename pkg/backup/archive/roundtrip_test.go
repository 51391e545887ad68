package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/test/testenv"
)

// makeTree makes one of everything that an archive can hold.
func makeTree(t testing.TB, dir string) {
	t.Helper()
	at := time.Date(2021, 3, 4, 5, 6, 7, 123456789, time.UTC)
	write(t, filepath.Join(dir, "plain"), "content\n")
	write(t, filepath.Join(dir, "empty"), "")
	write(t, filepath.Join(dir, "private", "key"), "secret")
	must(t, os.Chmod(filepath.Join(dir, "private", "key"), 0o400))
	must(t, os.MkdirAll(filepath.Join(dir, "no", "content"), 0o755))
	must(t, os.Mkdir(filepath.Join(dir, "shared"), 0o755))
	must(t, os.Chmod(filepath.Join(dir, "shared"), 0o775|os.ModeSetgid|os.ModeSticky))
	must(t, os.Symlink("plain", filepath.Join(dir, "link")))
	must(t, os.Symlink("/etc/passwd", filepath.Join(dir, "absolute")))
	must(t, os.Symlink("nowhere/at all", filepath.Join(dir, "dangling")))
	must(t, os.Link(filepath.Join(dir, "plain"), filepath.Join(dir, "second name")))
	for _, name := range []string{"new\nline", "tab\tand blank ", "b\xffytes", "-rf", "ünïcode", strings.Repeat("long", 60), "quote\"'\\"} {
		write(t, filepath.Join(dir, "names", name), name)
	}
	deep := filepath.Join(dir, strings.Repeat(strings.Repeat("d", 50)+"/", 20))
	write(t, filepath.Join(deep, "leaf"), "far down")
	must(t, os.Symlink(strings.Repeat("t", 300), filepath.Join(dir, "long target")))
	write(t, filepath.Join(dir, "names", "future"), "")
	must(t, os.Chtimes(filepath.Join(dir, "names", "future"), at, time.Date(2099, 1, 1, 0, 0, 0, 1, time.UTC)))
	must(t, os.Chtimes(filepath.Join(dir, "plain"), at, at))
	must(t, os.Chtimes(filepath.Join(dir, "empty"), at, time.Unix(-86400, 0)))
	must(t, os.Chmod(filepath.Join(dir, "private"), 0o500))
	must(t, os.Chtimes(filepath.Join(dir, "private"), at, at))
	if os.Geteuid() == 0 {
		must(t, os.Lchown(filepath.Join(dir, "link"), 12, 34))
		must(t, os.Lchown(filepath.Join(dir, "plain"), 500, 3_000_000))
	}
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(dir, "private"), 0o700) })
}

func TestRoundTrip(t *testing.T) {
	in := t.TempDir()
	makeTree(t, in)
	path, head := pack(t, in)
	if !head.Complete() || head.Files != 12 {
		t.Errorf("head %+v, want 12 files and nothing amiss", head)
	}
	got, err := verify(t, fromFile(path))
	must(t, err)
	if got.Files != head.Files || got.Bytes != head.Bytes || got.Image != "image" || got.App != "app" {
		t.Errorf("the archive says %+v, the writer %+v", got, head)
	}
	out, notes, err := unpack(t, fromFile(path), Limits{})
	must(t, err)
	if len(notes) > 0 {
		t.Errorf("notes %q", notes)
	}
	if got, want := describe(t, out), describe(t, in); got != want {
		t.Errorf("restored\n%s\nwant\n%s", got, want)
	}
}

// TestTarReadsIt unpacks by hand.
func TestTarReadsIt(t *testing.T) {
	testenv.NotQuick(t)
	in := t.TempDir()
	makeTree(t, in)
	path, _ := pack(t, in)
	unpackers := map[string][]string{"tar": {"tar", "xpzf", path}}
	if os.Geteuid() == 0 { // busybox wants to give files away, and fails where it may not
		unpackers["busybox"] = []string{"busybox", "tar", "xzf", path}
	}
	for name, argv := range unpackers {
		t.Run(name, func(t *testing.T) {
			out := t.TempDir()
			cmd := exec.Command(argv[0], argv[1:]...)
			cmd.Dir = out
			if text, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			must(t, os.Remove(filepath.Join(out, ManifestName)))
			if got, want := withoutTimes(describe(t, out)), withoutTimes(describe(t, in)); got != want {
				t.Errorf("unpacked\n%s\nwant\n%s", got, want)
			}
			t.Cleanup(func() { _ = os.Chmod(filepath.Join(out, "private"), 0o700) })
		})
	}
}

// withoutTimes drops what tar has no fractions of, and what busybox does not
// read: owners beyond those of 1988, and of links.
func withoutTimes(description string) string {
	return regexp.MustCompile(` [0-9]+:[0-9]+ [-0-9]+T[.:0-9]+`).ReplaceAllString(description, "")
}

// TestFrontInsertedOrCopied makes an archive that is large enough to have its
// front inserted, on this file system and on one that cannot do that.
func TestFrontInsertedOrCopied(t *testing.T) {
	testenv.NotQuick(t)
	places := map[string]string{"here": t.TempDir()}
	if os.Geteuid() == 0 {
		places["tmpfs"] = tmpfs(t, "64m")
	}
	data := make([]byte, 8<<20)
	random := rand.NewChaCha8([32]byte{1})
	_, _ = random.Read(data)
	for name, place := range places {
		t.Run(name, func(t *testing.T) {
			in := t.TempDir()
			must(t, os.WriteFile(filepath.Join(in, "random"), data, 0o600))
			for i := range 300 {
				write(t, filepath.Join(in, fmt.Sprint("file", i)), strings.Repeat("x", i))
			}
			w, err := NewWriter(place)
			must(t, err)
			must(t, addAll(t.Context(), w, in))
			path := filepath.Join(place, "archive.tar.gz")
			_, err = w.Finish(path, Head{})
			must(t, err)
			if _, err := os.Stat(filepath.Join(place, "body")); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the body is still there: %v", err)
			}
			out, _, err := unpack(t, fromFile(path), Limits{})
			must(t, err)
			if got, want := describe(t, out), describe(t, in); got != want {
				t.Error("restored something else")
			}
			if text, err := exec.Command("gzip", "--test", path).CombinedOutput(); err != nil {
				t.Errorf("gzip: %v: %s", err, text)
			}
		})
	}
}

// tmpfs mounts a small file system.
func tmpfs(t testing.TB, size string) string {
	t.Helper()
	dir := t.TempDir()
	must(t, unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size))
	t.Cleanup(func() { must(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	return dir
}

func TestSparseStaysSparse(t *testing.T) {
	in := t.TempDir()
	path := filepath.Join(in, "sparse")
	f, err := os.Create(path)
	must(t, err)
	_, err = f.WriteAt([]byte("in the middle"), 5<<20)
	must(t, err)
	must(t, f.Truncate(20<<20+123))
	must(t, f.Close())
	archive, _ := pack(t, in)
	out, _, err := unpack(t, fromFile(archive), Limits{})
	must(t, err)
	var st syscall.Stat_t
	must(t, syscall.Stat(filepath.Join(out, "sparse"), &st))
	if st.Size != 20<<20+123 || st.Blocks*512 > 64<<10 {
		t.Errorf("size %d in %d bytes on the disk", st.Size, st.Blocks*512)
	}
	if describe(t, in) != describe(t, out) {
		t.Error("the content differs")
	}
}

func TestExtendedAttributes(t *testing.T) {
	in := t.TempDir()
	write(t, filepath.Join(in, "f"), "x")
	value := "bytes \x00\xff"
	if err := unix.Setxattr(filepath.Join(in, "f"), "user.origin", []byte(value), 0); err != nil {
		t.Logf("this file system has no attributes (%v): there is nothing to lose", err)
		value = ""
	}
	archive, _ := pack(t, in)
	out, notes, err := unpack(t, fromFile(archive), Limits{})
	must(t, err)
	buf := make([]byte, 100)
	n, _ := unix.Getxattr(filepath.Join(out, "f"), "user.origin", buf)
	if got := string(buf[:max(n, 0)]); got != value || len(notes) > 0 {
		t.Errorf("attribute %q, want %q; notes %q", got, value, notes)
	}
}

// TestMemory packs and unpacks many times what may be in memory.
func TestMemory(t *testing.T) {
	testenv.NotQuick(t)
	in := t.TempDir()
	f, err := os.Create(filepath.Join(in, "large"))
	must(t, err)
	random := rand.NewChaCha8([32]byte{2})
	block := make([]byte, 1<<20)
	for range 100 {
		_, _ = random.Read(block)
		_, err = f.Write(block)
		must(t, err)
	}
	must(t, f.Close())
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	archive, _ := pack(t, in)
	_, _, err = unpack(t, fromFile(archive), Limits{})
	must(t, err)
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 48<<20 {
		t.Errorf("the heap grew by %d MB", grown>>20)
	}
}

func TestManyFiles(t *testing.T) {
	testenv.NotQuick(t)
	const count = 100_000
	in, work, out := t.TempDir(), t.TempDir(), t.TempDir()
	if os.Geteuid() == 0 { // disks take their time for so many
		in, work, out = tmpfs(t, "500m"), tmpfs(t, "100m"), tmpfs(t, "500m")
	}
	for i := range 100 {
		must(t, os.Mkdir(filepath.Join(in, fmt.Sprint(i)), 0o755))
	}
	for i := range count {
		must(t, os.WriteFile(filepath.Join(in, fmt.Sprint(i%100), fmt.Sprint(i)), nil, 0o644))
	}
	archive, head := packIn(t, work, in)
	if head.Files != count {
		t.Errorf("%d files", head.Files)
	}
	_, err := unpackTo(t, out, fromFile(archive), Limits{})
	must(t, err)
	for i := range 100 {
		entries, err := os.ReadDir(filepath.Join(out, fmt.Sprint(i)))
		must(t, err)
		if len(entries) != count/100 {
			t.Fatalf("%d files in directory %d", len(entries), i)
		}
	}
}

func TestCancelled(t *testing.T) {
	in := t.TempDir()
	write(t, filepath.Join(in, "f"), "x")
	path, _ := pack(t, in)
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	w, err := NewWriter(t.TempDir())
	must(t, err)
	defer w.Abort()
	if err := addAll(ctx, w, in); !errors.Is(err, why) {
		t.Errorf("packing: %v", err)
	}
	if _, err := Verify(ctx, fromFile(path), Limits{}, func(int) {}); !errors.Is(err, why) || errors.Is(err, ErrInvalid) {
		t.Errorf("reading: %v", err)
	}
}

// TestHeadIsInTheFirstBlock is what makes a list of archives cheap.
func TestHeadIsInTheFirstBlock(t *testing.T) {
	in := t.TempDir()
	makeTree(t, in)
	path, want := pack(t, in)
	data, err := os.ReadFile(path)
	must(t, err)
	head, err := ReadHead(fromBytes(data[:min(len(data), 1024)]))
	must(t, err)
	if head == nil || head.Files != want.Files {
		t.Errorf("head %+v", head)
	}
	if head, err := ReadHead(fromBytes(tarball(t, file("a", "x")))); head != nil || err != nil {
		t.Errorf("of a plain archive: %+v, %v", head, err)
	}
	for _, broken := range [][]byte{nil, []byte("nothing of the kind"), data[:40]} {
		if _, err := ReadHead(fromBytes(broken)); !errors.Is(err, ErrInvalid) {
			t.Errorf("of %d bytes: %v", len(broken), err)
		}
	}
}

func TestSameBytesWhateverIsBuffered(t *testing.T) {
	in := t.TempDir()
	write(t, filepath.Join(in, "a"), strings.Repeat("abc", 300_000))
	write(t, filepath.Join(in, "b"), "b")
	path, _ := pack(t, in)
	data, err := os.ReadFile(path)
	must(t, err)
	plain := gunzipped(t, data)
	if len(plain)%512 != 0 || !bytes.HasSuffix(plain, make([]byte, 1024)) {
		t.Errorf("%d bytes of tar: no whole number of blocks, or no end", len(plain))
	}
}
