package containertest

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// standin is what makes a Debian behave as Alpine where images look: see its
// customize.sh.
//
//go:embed standin
var standin embed.FS

// The packages that Alpine's own ones stand for.
const basePackages = "busybox-static,ca-certificates,curl,logrotate,python3,python3-pip,python3-requests,rsync,supervisor,tzdata"

// The bases, under the names that Dockerfiles ask for. That of Go has no Go: builds
// mount this machine's.
const (
	alpineVersion = "3.23"
	alpineBase    = "docker.io/library/alpine:" + alpineVersion
	goBase        = "docker.io/library/golang:1.26-alpine"
	goRecipe      = `FROM ` + alpineBase + `
ENV GOPATH=/go GOTOOLCHAIN=local PATH=/go/bin:/usr/local/go/bin:` + basePath + `
WORKDIR /go
`
	basePath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
)

// distribution is this machine's, which the bases are made of.
type distribution struct{ id, version, codename string }

func thisDistribution() (d distribution, err error) {
	text, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return d, err
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		value = strings.Trim(value, `"`)
		switch name {
		case "ID":
			d.id = value
		case "VERSION_ID":
			d.version = value
		case "VERSION_CODENAME":
			d.codename = value
		}
	}
	if d.codename == "" {
		return d, errors.New("/etc/os-release names no VERSION_CODENAME: containers are tested on Debian and Ubuntu, whose packages the images' bases are made of")
	}
	return d, nil
}

// slim is the name of the plain base of this machine's own distribution.
func (d distribution) slim() string {
	return fmt.Sprintf("docker.io/library/%s:%s-slim", d.id, d.version)
}

// sources are this machine's: they lead to a mirror that it reaches.
func sources() ([]string, error) {
	var files []string
	for _, pattern := range []string{"/etc/apt/sources.list", "/etc/apt/sources.list.d/*.list", "/etc/apt/sources.list.d/*.sources"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	if len(files) == 0 {
		return nil, errors.New("/etc/apt names no source of packages, which the images' bases are made of")
	}
	return files, nil
}

// bases returns the storage with the stand-ins for the images that Dockerfiles
// begin with.
func bases(ctx context.Context, say func(string, ...any)) (store, key string, err error) {
	d, err := thisDistribution()
	if err != nil {
		return "", "", err
	}
	from, err := sources()
	if err != nil {
		return "", "", err
	}
	hash := sha256.New()
	fmt.Fprint(hash, d, basePackages, goRecipe)
	for _, file := range from {
		text, err := os.ReadFile(file)
		if err != nil {
			return "", "", err
		}
		fmt.Fprintln(hash, file, string(text))
	}
	if err := hashFS(hash, standin, "."); err != nil {
		return "", "", err
	}
	const prefix = "bases-"
	key = prefix + hex.EncodeToString(hash.Sum(nil)[:8])
	store, err = storeInCache(ctx, key, say, func(p *Podman) error { return p.fillBases(ctx, d, from) })
	if err != nil {
		return "", "", err
	}
	return store, key, removeUnused(store, prefix, basesKept)
}

func (p *Podman) fillBases(ctx context.Context, d distribution, from []string) error {
	scripts := filepath.Join(p.dir, "standin")
	if err := writeStandin(scripts); err != nil {
		return err
	}
	hook := "--customize-hook=" + filepath.Join(scripts, "customize.sh")
	if err := p.debootstrap(ctx, alpineBase, d, from, "--include="+basePackages, hook); err != nil {
		return err
	}
	if err := p.debootstrap(ctx, d.slim(), d, from); err != nil {
		return err
	}
	recipe := filepath.Join(p.dir, "Dockerfile")
	if err := os.WriteFile(recipe, []byte(goRecipe), 0o644); err != nil {
		return err
	}
	_, err := p.build(ctx, "--file="+recipe, "--tag="+goBase, scripts)
	return err
}

// debootstrap makes a root file system with mmdebstrap, and an image of it.
func (p *Podman) debootstrap(ctx context.Context, name string, d distribution, from []string, args ...string) error {
	archive := filepath.Join(p.dir, "rootfs.tar")
	defer func() { _ = os.Remove(archive) }()
	if err := debootstrap(ctx, archive, d, from, args...); err != nil {
		return fmt.Errorf("cannot make %s: %w", name, err)
	}
	_, err := p.Output(ctx, "import", "--quiet", "--change=ENV PATH="+basePath, `--change=CMD ["/bin/sh"]`, archive, name)
	return err
}

// debootstrap makes a root file system with mmdebstrap, as a tar archive. What it needs
// meanwhile lies beside that.
func debootstrap(ctx context.Context, archive string, d distribution, from []string, args ...string) error {
	args = append([]string{"--quiet", "--mode=root", "--variant=minbase", "--format=tar"}, args...)
	for _, option := range aptOptions(ctx) {
		args = append(args, "--aptopt="+option)
	}
	args = append(append(args, d.codename, archive), from...)
	cmd := exec.CommandContext(ctx, "mmdebstrap", args...)
	cmd.Env = append(os.Environ(), "TMPDIR="+filepath.Dir(archive))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("mmdebstrap: %w\n%s", err, out)
	}
	return nil
}

// aptOptions are this machine's that say how a mirror is reached and believed.
func aptOptions(ctx context.Context) []string {
	out, err := exec.CommandContext(ctx, "apt-config", "dump", "--format", "%F %v%n", "Acquire").Output()
	if err != nil {
		return nil // as apt is without any
	}
	wanted := regexp.MustCompile(`(?im)^(Acquire::(?:https?::\S+|Check-\S+)) (.+)$`)
	var options []string
	for _, match := range wanted.FindAllStringSubmatch(string(out), -1) {
		options = append(options, fmt.Sprintf("%s %q", match[1], match[2]))
	}
	return options
}

func writeStandin(dir string) error {
	tree, err := fs.Sub(standin, "standin")
	if err != nil {
		return err
	}
	if err := os.CopyFS(dir, tree); err != nil {
		return err
	}
	// Embedded files have no execute bits.
	return errors.Join(
		os.WriteFile(filepath.Join(dir, "alpine-version"), []byte(alpineVersion+"\n"), 0o644),
		os.Chmod(filepath.Join(dir, "customize.sh"), 0o755))
}
