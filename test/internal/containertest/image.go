package containertest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/ZPascal/container-manager/test/testenv"
)

// BaseImage is the name of the image of Dockerfile.alpine, which child images are
// FROM.
const BaseImage = "localhost/container-manager:latest"

// What goes into it, below the repository.
var imageSources = []string{"Dockerfile.alpine", "go.mod", "go.sum", "cmd", "pkg", "files", "test/filebeat"}

// baseImage returns the storage with the image. It changes with every line of the
// sources, so those that nobody has used for a while are deleted.
func baseImage(ctx context.Context, say func(string, ...any), bases, basesKey string) (store string, err error) {
	repository, err := testenv.Repository()
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	fmt.Fprintln(hash, basesKey)
	for _, source := range imageSources {
		if err := hashFS(hash, os.DirFS(repository), source); err != nil {
			return "", err
		}
	}
	if err := hashFS(hash, index, "."); err != nil {
		return "", err
	}
	const prefix = "image-"
	store, err = storeInCache(ctx, prefix+hex.EncodeToString(hash.Sum(nil)[:8]), say, func(p *Podman) error {
		return p.buildBaseImage(ctx, repository)
	}, bases)
	if err != nil {
		return "", err
	}
	return store, removeUnused(store, prefix, imageKept)
}

// How long storages are kept that nobody uses: both are more than any run of tests
// lasts.
const (
	imageKept = 3 * time.Hour
	basesKept = 7 * 24 * time.Hour
)

// removeUnused notes that a storage is used, and deletes the others of its kind
// that nobody has used for a while.
func removeUnused(store, prefix string, kept time.Duration) error {
	now := time.Now()
	if err := os.Chtimes(store, now, now); err != nil {
		return err
	}
	dir := filepath.Dir(store)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || !entry.IsDir() || !strings.HasPrefix(entry.Name(), prefix) || time.Since(info.ModTime()) < kept {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dir, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

// buildBaseImage builds the Dockerfile as it is, with this machine's Go and what
// that has downloaded and compiled before.
func (p *Podman) buildBaseImage(ctx context.Context, repository string) error {
	volumes, err := p.goVolumes(ctx)
	if err != nil {
		return err
	}
	packages, err := p.PackageIndex()
	if err != nil {
		return err
	}
	args := append(append(volumes, packages...), "--tag="+BaseImage, "--build-arg=FILEBEAT=compiled", "--file="+filepath.Join(repository, "Dockerfile.alpine"), repository)
	_, err = p.build(ctx, args...)
	return err
}

// goVolumes are the arguments that bring Go to a build.
func (p *Podman) goVolumes(ctx context.Context) ([]string, error) {
	names := []string{"GOROOT", "GOMODCACHE", "GOCACHE", "GOPROXY", "GOSUMDB", "GONOSUMDB", "GONOPROXY", "GOPRIVATE", "GOINSECURE"}
	out, err := exec.CommandContext(ctx, "go", append([]string{"env"}, names...)...).Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	values := strings.Split(string(out), "\n") // one line each, empty ones too
	var settings strings.Builder
	for i, name := range names[3:] {
		fmt.Fprintf(&settings, "%s=%s\n", name, values[i+3])
	}
	env := filepath.Join(p.dir, "goenv")
	if err := os.WriteFile(env, []byte(settings.String()), 0o644); err != nil {
		return nil, err
	}
	goroot, modules, cache := values[0], values[1], values[2]
	for _, dir := range []string{modules, cache} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
	}
	return []string{
		"--volume=/etc/ssl/certs:/etc/ssl/certs:ro", // this machine's, for what is not downloaded yet
		"--volume=" + goroot + ":/usr/local/go:ro", "--volume=" + modules + ":/go/pkg/mod",
		"--volume=" + cache + ":/root/.cache/go-build", "--volume=" + env + ":/root/.config/go/env:ro",
	}, nil
}

// hashFS adds a file, or a tree without tests, to a hash: names, modes and content.
func hashFS(hash io.Writer, tree fs.FS, root string) error {
	return fs.WalkDir(tree, root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "testdata/") {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		fmt.Fprintln(hash, path, info.Mode())
		if !info.Mode().IsRegular() {
			return nil // a link, whose target is its place in files/
		}
		text, err := fs.ReadFile(tree, path)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(hash, "%d\n%s", len(text), text)
		return err
	})
}
