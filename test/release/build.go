package main

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/ZPascal/container-manager/test/testenv"
)

// release is what is made, and of what.
type release struct {
	version, revision, seconds string
	platforms                  []string
}

// makeTwice makes everything in two directories, and returns where one of them has it.
// The second build has a cache of its own, so that it compiles everything again, and
// another time zone and language.
func (r release) makeTwice(ctx context.Context, dir string) (string, error) {
	one, two := filepath.Join(dir, "one"), filepath.Join(dir, "two", "somewhere", "else")
	for _, where := range []string{one, two} {
		if err := copySources(where); err != nil {
			return "", err
		}
	}
	other := []string{"GOCACHE=" + filepath.Join(dir, "cache"), "TZ=Pacific/Chatham", "LC_ALL=C.UTF-8", "HOME=" + os.Getenv("HOME")}
	if err := errors.Join(r.dist(ctx, one), r.dist(ctx, two, other...)); err != nil {
		return "", err
	}
	one, two = filepath.Join(one, "build", "dist"), filepath.Join(two, "build", "dist")
	names, err := compare(one, two)
	if err != nil {
		return "", err
	}
	if want := 3*len(r.platforms) + 2; len(names) != want {
		return "", fmt.Errorf("make dist made %d files, want %d: %q", len(names), want, names)
	}
	cmd := exec.CommandContext(ctx, "sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS")
	cmd.Dir = one
	return one, output(cmd)
}

// copySources copies what make dist reads.
func copySources(dir string) error {
	repository, err := testenv.Repository()
	if err != nil {
		return err
	}
	for _, name := range []string{"cmd", "pkg", "files", "test/dist"} {
		if err := os.CopyFS(filepath.Join(dir, name), os.DirFS(filepath.Join(repository, name))); err != nil {
			return err
		}
	}
	for _, name := range []string{"Makefile", "go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(repository, name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// dist runs make dist in a directory. What make hands to the makes below it is left
// out, because they have nothing to do with this one.
func (r release) dist(ctx context.Context, dir string, environ ...string) error {
	cmd := exec.CommandContext(ctx, "make", "-C", dir, "dist", "VERSION="+r.version, "REVISION="+r.revision,
		"SOURCE_DATE_EPOCH="+r.seconds, "PLATFORMS="+strings.Join(r.platforms, " "))
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.Contains([]string{"MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "MAKELEVEL", "BUILD"}, name)
	}), environ...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 10 * time.Second
	return output(cmd)
}

// output runs a command, and says what it printed when it fails.
func output(cmd *exec.Cmd) error {
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	return nil
}

// compare wants two directories of the same files, and returns their names.
func compare(one, two string) (names []string, err error) {
	var errs []error
	for i, dir := range []string{one, two} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil, err
		}
		for _, entry := range entries {
			if i == 0 {
				names = append(names, entry.Name())
			} else if !slices.Contains(names, entry.Name()) {
				errs = append(errs, fmt.Errorf("only the second build has %s", entry.Name()))
			}
		}
	}
	for _, name := range names {
		a, err := os.ReadFile(filepath.Join(one, name))
		errs = append(errs, err)
		b, err := os.ReadFile(filepath.Join(two, name))
		errs = append(errs, err)
		if !bytes.Equal(a, b) {
			errs = append(errs, fmt.Errorf("%s differs from one directory to the other", name))
		}
	}
	return names, errors.Join(errs...)
}

// machines are what an ELF header calls the processors of platforms.
var machines = map[string]elf.Machine{
	"linux/amd64": elf.EM_X86_64, "linux/arm64": elf.EM_AARCH64, "linux/arm/v7": elf.EM_ARM,
	"linux/ppc64le": elf.EM_PPC64, "linux/s390x": elf.EM_S390, "linux/riscv64": elf.EM_RISCV,
}

func (r release) checkBinaries(dist string) error {
	var errs []error
	for _, platform := range r.platforms {
		name := strings.ReplaceAll(strings.TrimPrefix(platform, "linux/"), "/", "")
		path := filepath.Join(dist, "container-manager-linux-"+name)
		errs = append(errs, checkBinary(path, machines[platform]), checkSBOM(path+".spdx.json"))
	}
	return errors.Join(errs...)
}

func checkBinary(path string, machine elf.Machine) error {
	file, err := elf.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if file.Machine != machine {
		return fmt.Errorf("%s is for %v, want %v", path, file.Machine, machine)
	}
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP {
			return fmt.Errorf("%s is not static: it needs a dynamic linker", path)
		}
	}
	return nil
}

func checkSBOM(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var sbom struct {
		Packages []struct{ Name string }
	}
	if err := json.Unmarshal(text, &sbom); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if len(sbom.Packages) < 10 {
		return fmt.Errorf("%s lists %d packages only", path, len(sbom.Packages))
	}
	return nil
}
