package archive

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

// TestRefused is about archives that must not be unpacked. Each is refused for
// its own reason, and refused alike by those who only read it.
func TestRefused(t *testing.T) {
	fifo := entry{Header: tar.Header{Typeflag: tar.TypeFifo, Name: "pipe", Mode: 0o644}}
	device := entry{Header: tar.Header{Typeflag: tar.TypeBlock, Name: "disk", Mode: 0o666, Devmajor: 8}}
	console := entry{Header: tar.Header{Typeflag: tar.TypeChar, Name: "null", Mode: 0o666, Devmajor: 1, Devminor: 3}}
	for name, c := range map[string]struct {
		entries []entry
		want    string
	}{
		"parent":              {[]entry{file("../evil", "x")}, `"../evil" leads outside`},
		"parent inside":       {[]entry{file("a/../../evil", "x")}, `"a/../../evil" leads outside`},
		"parent at end":       {[]entry{dir("a/..")}, `"a/.." leads outside`},
		"absolute":            {[]entry{file("/etc/evil", "x")}, `"/etc/evil" is an absolute path`},
		"below a link":        {[]entry{link(tar.TypeSymlink, "a", "/tmp"), file("a/evil", "x")}, `"a/evil" is below "a", which is a symlink`},
		"far below a link":    {[]entry{dir("d"), link(tar.TypeSymlink, "d/a", "."), file("d/a/b/c/evil", "x")}, `"d/a/b/c/evil" is below "d/a", which is a symlink`},
		"link over a file":    {[]entry{file("a", "x"), link(tar.TypeSymlink, "a", "/etc/passwd")}, `holds "a" twice`},
		"file over a link":    {[]entry{link(tar.TypeSymlink, "a", "/etc/passwd"), file("a", "x")}, `holds "a" twice`},
		"file over its parts": {[]entry{file("a/b", "x"), file("a", "x")}, `holds "a" twice`},
		"dir over a link":     {[]entry{link(tar.TypeSymlink, "a", "/tmp"), dir("a")}, `holds "a" twice`},
		"twice":               {[]entry{file("a", "x"), file("./a", "y")}, `holds "a" twice`},
		"below a file":        {[]entry{file("a", "x"), file("a/b", "y")}, `"a/b" is below "a", which is a file`},
		"hard link outside":   {[]entry{link(tar.TypeLink, "a", "../../etc/passwd")}, `the target of the hard link "a": "../../etc/passwd" leads outside`},
		"hard link absolute":  {[]entry{link(tar.TypeLink, "a", "/etc/passwd")}, `the target of the hard link "a": "/etc/passwd" is an absolute path`},
		"hard link to link":   {[]entry{link(tar.TypeSymlink, "a", "/etc/passwd"), link(tar.TypeLink, "b", "a")}, `"b" is a hard link to "a", which is no file that came before it`},
		"hard link ahead":     {[]entry{link(tar.TypeLink, "b", "a"), file("a", "x")}, `"b" is a hard link to "a", which is no file that came before it`},
		"hard link to a dir":  {[]entry{dir("a"), link(tar.TypeLink, "b", "a")}, `"b" is a hard link to "a", which is no file that came before it`},
		"hard link to itself": {[]entry{link(tar.TypeLink, "a", "a")}, `"a" is a hard link to "a", which is no file that came before it`},
		"named pipe":          {[]entry{fifo}, `"pipe" is a named pipe`},
		"block device":        {[]entry{device}, `"disk" is a device`},
		"device":              {[]entry{console}, `"null" is a device`},
		"two stamps":          {[]entry{file("backup-2026-01-02_03:04:05/a", "x"), file("b", "x")}, `"b" is beside "backup-2026-01-02_03:04:05", which holds the rest`},
		"root as a file":      {[]entry{link(tar.TypeSymlink, "./", "/etc")}, `"./" is a symlink, and no directory`},
		"nothing":             {nil, "holds nothing"},
		"only the root":       {[]entry{dir("./")}, "holds nothing"},
		"link to nowhere":     {[]entry{link(tar.TypeSymlink, "a", "")}, `"a" is a link to nowhere`},
	} {
		t.Run(name, func(t *testing.T) {
			data := tarball(t, c.entries...)
			out, _, err := unpack(t, fromBytes(data), Limits{})
			if err == nil || !errors.Is(err, ErrInvalid) || !strings.HasSuffix(err.Error(), c.want) {
				t.Errorf("unpacking: %v, want %s", err, c.want)
			}
			for _, path := range []string{filepath.Join(filepath.Dir(out), "evil"), "/etc/evil", "/tmp/evil"} {
				if _, err := os.Lstat(path); err == nil {
					t.Errorf("%s was made", path)
				}
			}
			if _, err := verify(t, fromBytes(data)); err == nil || !strings.HasSuffix(err.Error(), c.want) {
				t.Errorf("reading: %v, want %s", err, c.want)
			}
		})
	}
}

func TestAccepted(t *testing.T) {
	data := tarball(t, dir("./"), dir("./a/"), file("./a/b", "x"), dir("a"), link(tar.TypeSymlink, "l", "/etc"),
		link(tar.TypeLink, "h", "a/b"), entry{Header: tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"comment": "c"}}},
		file("odd//./name", "y"))
	out, notes, err := unpack(t, fromBytes(data), Limits{})
	must(t, err)
	if len(notes) > 0 {
		t.Errorf("notes %q", notes)
	}
	for path, want := range map[string]string{"a/b": "x", "h": "x", "odd/name": "y"} {
		if got, err := os.ReadFile(filepath.Join(out, path)); string(got) != want {
			t.Errorf("%s: %q, %v, want %q", path, got, err, want)
		}
	}
}

func TestSetuidIsDropped(t *testing.T) {
	suid := file("su", "x")
	suid.Mode = 0o6755
	group := dir("g")
	group.Mode = 0o2775
	out, notes, err := unpack(t, fromBytes(tarball(t, suid, group)), Limits{})
	must(t, err)
	if want := []string{"su: its mode 6755 lost the setuid and setgid bits"}; !slices.Equal(notes, want) {
		t.Errorf("notes %q, want %q", notes, want)
	}
	info, err := os.Stat(filepath.Join(out, "su"))
	must(t, err)
	if info.Mode() != 0o755 {
		t.Errorf("the file has mode %v", info.Mode())
	}
	if info, err := os.Stat(filepath.Join(out, "g")); err != nil || info.Mode()&os.ModeSetgid == 0 {
		t.Errorf("the directory has mode %v, %v", info.Mode(), err)
	}
}

func TestLimits(t *testing.T) {
	data := tarball(t, file("a", strings.Repeat("x", 600)), file("b", strings.Repeat("x", 600)))
	for _, c := range []struct {
		limits Limits
		want   string
	}{
		{Limits{Bytes: 1000}, "holds more than 1000 bytes (IMAGE_RESTORE_MAX_SIZE)"},
		{Limits{Entries: 1}, "holds more than 1 entries (IMAGE_RESTORE_MAX_FILES)"},
	} {
		_, _, err := unpack(t, fromBytes(data), c.limits)
		if !errors.Is(err, ErrInvalid) || !strings.HasSuffix(err.Error(), c.want) {
			t.Errorf("%+v: %v", c.limits, err)
		}
	}
	if _, _, err := unpack(t, fromBytes(data), Limits{Bytes: 1200, Entries: 2}); err != nil {
		t.Error(err)
	}
}

// TestBomb unpacks to a million times its size, unless it is stopped by what it
// says of itself before a byte is written.
func TestBomb(t *testing.T) {
	testenv.NotQuick(t)
	var header bytes.Buffer
	must(t, tar.NewWriter(&header).WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "zeros", Mode: 0o644, Size: 1 << 50}))
	bomb := append(gzipped(t, header.Bytes()), gzipped(t, make([]byte, 64<<20))...)
	out, _, err := unpack(t, fromBytes(bomb), Limits{Bytes: 1 << 40})
	if err == nil || !strings.HasSuffix(err.Error(), "(IMAGE_RESTORE_MAX_SIZE)") {
		t.Errorf("error %v", err)
	}
	if entries, _ := os.ReadDir(out); len(entries) > 0 {
		t.Errorf("%d files were made", len(entries))
	}
}

func TestTruncated(t *testing.T) {
	testenv.NotQuick(t)
	in := t.TempDir()
	makeTree(t, in)
	path, _ := pack(t, in)
	whole, err := os.ReadFile(path)
	must(t, err)
	for n := 0; n < len(whole); n += 1 + len(whole)/400 {
		if _, err := verify(t, fromBytes(whole[:n])); !errors.Is(err, ErrInvalid) {
			t.Fatalf("of %d bytes the first %d are an archive: %v", len(whole), n, err)
		}
	}
	for n := len(whole) - 20; n < len(whole); n++ {
		if _, err := verify(t, fromBytes(whole[:n])); !errors.Is(err, ErrInvalid) {
			t.Fatalf("of %d bytes the first %d are an archive: %v", len(whole), n, err)
		}
	}
}

// TestTruncatedTar is about archives that were cut before they were compressed,
// whose sums are right.
func TestTruncatedTar(t *testing.T) {
	plain := gunzipped(t, tarball(t, file("a", "first"), file("b", "second")))
	for _, n := range []int{512, 700, 1024, 1536, 2048, 2048 + 512} {
		if _, err := verify(t, fromBytes(gzipped(t, plain[:n]))); !errors.Is(err, ErrInvalid) {
			t.Errorf("the first %d bytes are an archive: %v", n, err)
		}
	}
	if _, err := verify(t, fromBytes(gzipped(t, plain[:2048+1024]))); err != nil {
		t.Errorf("with its end: %v", err)
	}
	joined := gzipped(t, append(slices.Clone(plain), plain...))
	if _, err := verify(t, fromBytes(joined)); err == nil || !strings.HasSuffix(err.Error(), "goes on behind its end: it may be two archives in one") {
		t.Errorf("two in one: %v", err)
	}
}

// TestBitFlips turns bits all over an archive. Either that is noticed, or what
// comes out is right: gzip has bits that mean nothing.
func TestBitFlips(t *testing.T) {
	testenv.NotQuick(t)
	in := t.TempDir()
	makeTree(t, in)
	path, _ := pack(t, in)
	whole, err := os.ReadFile(path)
	must(t, err)
	unnoticed := 0
	for i := 0; i < len(whole); i += 3 { // with all bits in turn
		broken := slices.Clone(whole)
		broken[i] ^= 1 << (i % 8)
		if _, err := verify(t, fromBytes(broken)); err == nil {
			unnoticed++
			out, _, err := unpack(t, fromBytes(broken), Limits{})
			if err != nil || describe(t, out) != describe(t, in) {
				t.Fatalf("byte %d: unnoticed, and unpacked to something else (%v)", i, err)
			}
		} else if !errors.Is(err, ErrInvalid) {
			t.Fatalf("byte %d: %v", i, err)
		}
	}
	// Times and names in the heads of gzip members, and the bits that fill bytes.
	if unnoticed > len(whole)/60 {
		t.Errorf("%d of %d flips were not noticed", unnoticed, len(whole))
	}
}

// TestManifestDecides changes what is in an archive so that every sum of gzip
// and tar is right.
func TestManifestDecides(t *testing.T) {
	in := t.TempDir()
	write(t, filepath.Join(in, "a"), "first")
	write(t, filepath.Join(in, "b"), "second")
	path, _ := pack(t, in)
	data, err := os.ReadFile(path)
	must(t, err)
	plain := gunzipped(t, data)
	for name, c := range map[string]struct {
		old, new string
		want     string
	}{
		"content":  {"second\x00", "Second\x00", `the content of "b" has the SHA-256 `},
		"name":     {`"path":"b"`, `"path":"c"`, `holds "b" where the manifest has "c"`},
		"kind":     {`"path":"b","kind":"file"`, `"path":"b","kind":"link"`, `"b" is not what the manifest says: file of 6 bytes, mode 0644, instead of link of 6 bytes, mode 0644`},
		"size":     {`"size":6`, `"size":7`, `"b" is not what the manifest says: file of 6 bytes, mode 0644, instead of file of 7 bytes, mode 0644`},
		"mode":     {`"path":"b","kind":"file","mode":"0644"`, `"path":"b","kind":"file","mode":"0666"`, `"b" is not what the manifest says: file of 6 bytes, mode 0644, instead of file of 6 bytes, mode 0666`},
		"no mode":  {`"mode":"0644"`, `"mode":"-644"`, `the manifest is broken: mode "-644" is not four octal digits`},
		"format":   {`"format":"container-manager-backup"`, `"format":"container-manager-backuq"`, `the manifest is of the format "container-manager-backuq", not "container-manager-backup"`},
		"version":  {`"version":1`, `"version":2`, `the manifest is of version 2, and this program reads version 1: use a newer one`},
		"no JSON":  {`{"format"`, `["format"`, `the manifest is broken: invalid character ':' after array element`},
		"one line": {"}\n{\"path\":\"a\"", "} {\"path\":\"a\"", `the manifest is broken: invalid character '{' after top-level value`},
	} {
		t.Run(name, func(t *testing.T) {
			if !bytes.Contains(plain, []byte(c.old)) {
				t.Fatalf("the archive has no %q", c.old)
			}
			broken := bytes.Replace(plain, []byte(c.old), []byte(c.new), 1)
			_, err := verify(t, fromBytes(gzipped(t, broken)))
			if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
}

// TestManifestAndContentDiffer takes entries away from an archive, and adds some.
func TestManifestAndContentDiffer(t *testing.T) {
	in := t.TempDir()
	write(t, filepath.Join(in, "a"), "first")
	write(t, filepath.Join(in, "b"), "second")
	path, _ := pack(t, in)
	data, err := os.ReadFile(path)
	must(t, err)
	plain := gunzipped(t, data)
	end := len(plain) - 1024 - 1024 // where b begins
	fewer := append(slices.Clone(plain[:end]), make([]byte, 1024)...)
	if _, err := verify(t, fromBytes(gzipped(t, fewer))); err == nil || !strings.Contains(err.Error(), `is not all that the manifest has: there is no entry for "{\"path\":\"b\"`) {
		t.Errorf("without b: %v", err)
	}
	more := gunzipped(t, tarball(t, file("c", "third")))
	if _, err := verify(t, fromBytes(gzipped(t, append(slices.Clone(plain[:len(plain)-1024]), more...)))); err == nil || !strings.HasSuffix(err.Error(), `"c" is not in the manifest`) {
		t.Errorf("with c: %v", err)
	}
}

func TestForeignPaths(t *testing.T) {
	for _, paths := range []string{`["relative"]`, `["/"]`, `["/a/../b"]`, `["/a/"]`, `["/a","/a"]`} {
		line := fmt.Sprintf(`{"format":%q,"version":%d,"paths":%s}`+"\n", formatName, formatVersion, paths)
		_, err := verify(t, fromBytes(tarball(t, file(ManifestName, line))))
		if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "the manifest names the path") {
			t.Errorf("%s: %v", paths, err)
		}
	}
}

func TestNoArchiveAtAll(t *testing.T) {
	for name, data := range map[string][]byte{
		"empty":          nil,
		"text":           []byte("this is no archive, whatever it is called\n"),
		"no tar":         gzipped(t, []byte(strings.Repeat("this is no tar archive\n", 100))),
		"tar not gzip":   gunzipped(t, tarball(t, file("a", "x"))),
		"gzip of empty":  gzipped(t, nil),
		"garbage behind": append(tarball(t, file("a", "x")), "garbage"...),
	} {
		if _, err := verify(t, fromBytes(data)); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
