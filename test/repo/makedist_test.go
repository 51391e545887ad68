package repo

import (
	"bytes"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

// TestMakeDist makes the release in two directories, with other times and modes,
// and wants the same bytes, with sums that fit them. make release-check does it for
// every platform.
func TestMakeDist(t *testing.T) {
	const version, revision = "1.2.3", "0123456789abcdef0123456789abcdef01234567"
	one, two := t.TempDir(), filepath.Join(t.TempDir(), "somewhere", "else")
	var made [2]string
	for i, dir := range []string{one, two} {
		copySources(t, dir)
		mustRun(t, "make", "-C", dir, "dist", "PLATFORMS=linux/"+runtime.GOARCH+" linux/arm/v7",
			"VERSION="+version, "REVISION="+revision, "SOURCE_DATE_EPOCH=1000000000")
		made[i] = filepath.Join(dir, "build", "dist")
	}
	names := testenv.Names(t, made[0])
	want := []string{"SHA256SUMS", "container-manager-files-1.2.3.tar.gz"}
	for _, arch := range []string{runtime.GOARCH, "armv7"} {
		want = append(want, "container-manager-linux-"+arch, "container-manager-linux-"+arch+".spdx.json",
			"container-manager-1.2.3-linux-"+arch+".tar.gz")
	}
	slices.Sort(want)
	if !slices.Equal(names, want) || !slices.Equal(testenv.Names(t, made[1]), want) {
		t.Fatalf("make dist makes %q, want %q", names, want)
	}
	for _, name := range names {
		if !bytes.Equal([]byte(testenv.Read(t, filepath.Join(made[0], name))), []byte(testenv.Read(t, filepath.Join(made[1], name)))) {
			t.Errorf("%s differs from one directory to the other", name)
		}
	}
	check := exec.CommandContext(t.Context(), "sha256sum", "--check", "--strict", "SHA256SUMS")
	check.Dir = made[0]
	if out, err := check.CombinedOutput(); err != nil || strings.Count(string(out), ": OK\n") != len(want)-1 {
		t.Errorf("sha256sum: %v\n%s", err, out)
	}
	static(t, filepath.Join(made[0], "container-manager-linux-armv7"), elf.EM_ARM)
	if text := testenv.Read(t, filepath.Join(made[0], "container-manager-linux-armv7.spdx.json")); !strings.Contains(text, `"created": "2001-09-09T01:46:40Z"`) {
		t.Errorf("the SBOM is not of the given time:\n%s", text)
	}
	// An archive holds all that a manual installation needs.
	root := t.TempDir()
	mustRun(t, "tar", "-C", root, "-xzf", filepath.Join(made[0], "container-manager-1.2.3-linux-"+runtime.GOARCH+".tar.gz"))
	for _, name := range []string{"run.py", "etc/supervisord.conf", "image/setup/run.always/00-configure-environment.py"} {
		if !testenv.Exists(filepath.Join(root, name)) {
			t.Errorf("the archive has no %s", name)
		}
	}
	for _, binary := range []string{filepath.Join(root, "usr/bin/container-manager"), filepath.Join(made[0], "container-manager-linux-"+runtime.GOARCH)} {
		got := mustRun(t, binary, "version")
		if want := "container-manager " + version + ", commit " + revision + ", " + runtime.Version() + "\n"; got != want {
			t.Errorf("version of %s says %q, want %q", binary, got, want)
		}
	}
}

// TestPlatformsCompile compiles for every platform of a release, without linking. The
// types of system calls' structures differ, also between processors of 64 bits.
func TestPlatformsCompile(t *testing.T) {
	for _, platform := range platforms(t) {
		p := strings.Split(platform, "/")
		cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "./cmd/...", "./pkg/...")
		cmd.Dir = "../.."
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+p[0], "GOARCH="+p[1])
		if len(p) == 3 {
			cmd.Env = append(cmd.Env, "GOARM="+strings.TrimPrefix(p[2], "v"))
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", platform, err, out)
		}
	}
}

// copySources copies what make dist reads, as an unpacked archive would have it.
func copySources(t *testing.T, dir string) {
	t.Helper()
	for _, name := range []string{"cmd", "pkg", "files", "test/dist"} {
		testenv.Mkdir(t, filepath.Dir(filepath.Join(dir, name)))
		if err := os.CopyFS(filepath.Join(dir, name), os.DirFS(filepath.Join("../..", name))); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"Makefile", "go.mod", "go.sum"} {
		testenv.Write(t, filepath.Join(dir, name), testenv.Read(t, filepath.Join("../..", name)), 0o600)
	}
}

// static wants a program for a processor that needs no other file.
func static(t *testing.T, path string, machine elf.Machine) {
	t.Helper()
	file, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if file.Machine != machine {
		t.Errorf("%s is for %v, want %v", path, file.Machine, machine)
	}
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP {
			t.Errorf("%s needs a dynamic linker", path)
		}
	}
}
