// Command release tries a release as far as one machine can, for make release-check. It
// makes every binary and archive twice and compares them, installs the archive into a
// Debian that has only what the image needs, and lives a container's life there: start,
// status, backup, restore, stop. It does so once more with the binary for arm64, which
// qemu runs. It needs root, and leaves neither file nor process nor mount.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/ZPascal/container-manager/test/internal/containertest"
)

// atMost is far above what it takes: two builds for every platform, and a Debian.
const atMost = 40 * time.Minute

// packages are those of examples/debian, but for what only Dockerfiles of children use.
const packages = "ca-certificates,logrotate,procps,python3,python3-requests,rsync,supervisor,tzdata"

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: release VERSION REVISION SECONDS-SINCE-1970 PLATFORMS, as make release-check calls it")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	ctx, cancel := context.WithTimeout(ctx, atMost)
	err := run(ctx, release{
		version: os.Args[1], revision: os.Args[2], seconds: os.Args[3], platforms: strings.Fields(os.Args[4]),
	})
	cancel()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, r release) (err error) {
	if os.Geteuid() != 0 {
		return errors.New("a Debian is made and entered, which needs root: run sudo make release-check")
	}
	dir, err := os.MkdirTemp("", "release-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	dist := ""
	steps := []struct {
		what string
		do   func() error
	}{
		{"every platform, built in two directories, is the same", func() error {
			dist, err = r.makeTwice(ctx, dir)
			return err
		}},
		{"every binary is static, for its processor, and has an SBOM", func() error { return r.checkBinaries(dist) }},
		{"installed in an empty Debian", func() error { return r.live(ctx, dir, dist, runtime.GOARCH) }},
		{"installed in an empty Debian, the binary for arm64", func() error { return r.live(ctx, dir, dist, "arm64") }},
	}
	for _, step := range steps {
		began := time.Now()
		if err := step.do(); err != nil {
			return fmt.Errorf("%s: %w", step.what, errors.Join(err, context.Cause(ctx)))
		}
		fmt.Printf("release: %s (%s)\n", step.what, time.Since(began).Round(time.Second))
	}
	return nil
}

// live installs an archive into a Debian of its own, and tries it there.
func (r release) live(ctx context.Context, dir, dist, arch string) error {
	say := func(format string, args ...any) { fmt.Printf("release: "+format+"\n", args...) }
	debian, err := containertest.Root(ctx, packages, say)
	if err != nil {
		return err
	}
	root := filepath.Join(dir, "root-"+arch)
	if err := install(ctx, root, debian, filepath.Join(dist, "container-manager-"+r.version+"-linux-"+arch+".tar.gz")); err != nil {
		return err
	}
	return (&container{root: root, emulated: arch != runtime.GOARCH}).try(ctx, r.version)
}
