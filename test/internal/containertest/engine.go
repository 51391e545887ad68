package containertest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/test/testenv"
)

// Podman is podman with a configuration and a storage of its own: nothing of the
// user's is read or touched.
type Podman struct{ dir string }

// podmanConf needs neither systemd nor a network of podman's, and raises no limit
// that this machine may not raise. By default all podmans of a machine share their
// locks, which a storage that is new takes from the others.
const podmanConf = `[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
log_driver = "k8s-file"
netns = "host"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
tmp_dir = %q
`

// newPodman makes a podman that keeps everything below a directory and run, and reads the
// images of other storages.
func newPodman(dir string, images ...string) (*Podman, error) {
	p := &Podman{dir: dir}
	driver, err := storageDriver(dir)
	if err != nil {
		return nil, err
	}
	quoted := make([]string, len(images))
	for i, image := range images {
		quoted[i] = fmt.Sprintf("%q", image)
	}
	storage := fmt.Sprintf("[storage]\ndriver = %q\ngraphroot = %q\nrunroot = %q\n[storage.options]\nadditionalimagestores = [%s]\n",
		driver, p.root(), p.run(), strings.Join(quoted, ", "))
	return p, errors.Join(
		os.MkdirAll(p.root(), 0o711),
		fsutil.WriteFile(filepath.Join(dir, "storage.conf"), []byte(storage), 0o644),
		fsutil.WriteFile(filepath.Join(dir, "containers.conf"), []byte(fmt.Sprintf(podmanConf, filepath.Join(p.run(), "tmp"))), 0o644))
}

func (p *Podman) root() string { return filepath.Join(p.dir, "root") }

// run is for what a reboot ends. podman wants its path to be short, else nothing
// is cleaned up when a container has ended.
func (p *Podman) run() string { return filepath.Join("/run", filepath.Base(p.dir)) }

// storageDriver is overlay, but where that would lie on another overlay: the
// kernel refuses it, and every layer is a copy.
func storageDriver(dir string) (string, error) {
	const overlayMagic = 0x794c7630 // statfs(2)
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return "", fmt.Errorf("cannot look at the file system of %s: %w", dir, err)
	}
	if fs.Type == overlayMagic {
		return "vfs", nil
	}
	return "overlay", nil
}

// Command returns a podman command, for what has no method of its own.
func (p *Podman) Command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "podman", args...)
	cmd.Env = append(os.Environ(),
		"CONTAINERS_CONF="+filepath.Join(p.dir, "containers.conf"),
		"CONTAINERS_STORAGE_CONF="+filepath.Join(p.dir, "storage.conf"),
		"BUILDAH_FORMAT=docker",   // the other one has no HEALTHCHECK
		"DISABLE_HC_SYSTEMD=true", // whose timers would run it
	)
	return cmd
}

// Output runs podman to its end and returns what it printed to its standard
// output. The error holds what it said otherwise.
func (p *Podman) Output(ctx context.Context, args ...string) (string, error) {
	cmd := p.Command(ctx, args...)
	var out, problem strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &problem
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("podman %s: %w\n%s%s", strings.Join(args, " "), err, out.String(), problem.String())
	}
	return out.String(), nil
}

// build runs podman build. Nothing is pulled; a build that downloads is in this
// machine's network.
func (p *Podman) build(ctx context.Context, args ...string) (string, error) {
	args = append([]string{"build", "--pull=never", "--network=host"}, args...)
	return p.Output(ctx, args...)
}

// remove ends and deletes everything.
func (p *Podman) remove(ctx context.Context) error {
	if !testenv.Exists(filepath.Join(p.dir, "storage.conf")) {
		return os.RemoveAll(p.dir) // nothing has been made yet
	}
	var errs []error
	for _, args := range [][]string{
		{"pod", "rm", "--all", "--force", "--time=0"},
		{"rm", "--all", "--force", "--time=0", "--volumes"},
		{"volume", "rm", "--all", "--force"},
	} {
		_, err := p.Output(ctx, args...)
		errs = append(errs, err)
	}
	mounts, err := mountsBelow(p.dir, p.run())
	errs = append(errs, err)
	for _, mount := range mounts {
		errs = append(errs, syscall.Unmount(mount, syscall.MNT_DETACH))
	}
	// Their files go at last, and only when nothing can be mounted there any more.
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(p.run()), os.RemoveAll(p.dir))
}

// keep turns a storage that was written to into one that is only read: the images,
// without what podman notes beside them.
func (p *Podman) keep(path string) error {
	mounts, err := mountsBelow(p.dir, p.run())
	if err != nil {
		return err
	}
	for _, mount := range mounts {
		if err := syscall.Unmount(mount, 0); err != nil {
			return fmt.Errorf("cannot unmount %s: %w", mount, err)
		}
	}
	return errors.Join(os.RemoveAll(filepath.Join(p.root(), "libpod")), os.Rename(p.root(), path), os.RemoveAll(p.run()), os.RemoveAll(p.dir))
}

// storeInCache returns the path of a storage that fill has filled with images.
func storeInCache(ctx context.Context, key string, say func(string, ...any), fill func(*Podman) error, images ...string) (string, error) {
	return testenv.Cache(key, say, func(path string) error {
		// What a run has left here that was killed, nobody else uses.
		work := path + ".work"
		if err := (&Podman{dir: work}).remove(ctx); err != nil {
			return err
		}
		if err := os.Mkdir(work, 0o755); err != nil {
			return err
		}
		p, err := newPodman(work, images...)
		if err != nil {
			return err
		}
		if err := fill(p); err != nil {
			return errors.Join(err, p.remove(context.WithoutCancel(ctx)))
		}
		return p.keep(path)
	})
}
