package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// install does what the README says of an image on another base.
func install(ctx context.Context, root, debian, archive string) error {
	const app = "[program:app]\ncommand = sleep infinity\nautorestart = true\n"
	if err := os.Mkdir(root, 0o755); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"tar", "-C", root, "--numeric-owner", "-xf", debian},
		{"tar", "-C", root, "-xzf", archive},
		{"chown", "-R", "500:500", root + "/image"},
		{"install", "-d", "-o", "500", "-g", "0", "-m", "2775", root + "/storage"},
	} {
		if err := output(exec.CommandContext(ctx, args[0], args[1:]...)); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(root, "image/supervisord/conf.d/app.conf"), []byte(app), 0o644)
}

// container is a root file system and the processes in it.
type container struct {
	root     string
	emulated bool // by qemu

	first *exec.Cmd
	log   lockedBuffer
	ended chan struct{}
}

// enter mounts what a container sees, and becomes its first process. $1 is the root,
// $2 the interpreter of programs for arm64, where there is one. The kernel of Linux 6.7
// and newer has interpreters of its own in each user namespace, so this machine gets none.
const enter = `set -e
if [ -n "$2" ]; then
	mount -t binfmt_misc binfmt_misc "$1/mnt"
	printf '%s' ":arm64:M::\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\xb7\\x00:\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff:$2:F" >"$1/mnt/register"
fi
mount -t proc proc "$1/proc"
exec chroot "$1" /run.py`

var environ = []string{
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"TZ=Europe/Berlin", "IMAGE_BACKUP_PATHS=/storage/data/app",
}

func (c *container) start(ctx context.Context) error {
	interpreter := ""
	attr := &syscall.SysProcAttr{Setsid: true, Cloneflags: syscall.CLONE_NEWPID, Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	if c.emulated {
		path, err := exec.LookPath("qemu-aarch64-static")
		if err != nil {
			return err
		}
		interpreter = path
		all := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 65536}}
		attr.Cloneflags |= syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS
		attr.Unshareflags = 0
		attr.UidMappings, attr.GidMappings, attr.GidMappingsEnableSetgroups = all, all, true
	}
	c.first = exec.CommandContext(ctx, "/bin/sh", "-c", enter, "sh", c.root, interpreter)
	c.first.Env, c.first.SysProcAttr = environ, attr
	c.first.Stdout, c.first.Stderr = &c.log, &c.log
	c.first.WaitDelay = 10 * time.Second
	if err := c.first.Start(); err != nil {
		return err
	}
	c.ended = make(chan struct{})
	go func() {
		_ = c.first.Wait()
		close(c.ended)
	}()
	return nil
}

// try lives a life in it: what a first user of the release would do.
func (c *container) try(ctx context.Context, version string) (err error) {
	if err := c.start(ctx); err != nil {
		return err
	}
	defer func() {
		_ = c.first.Process.Kill() // it is over, unless something is wrong
		<-c.ended
		if err != nil {
			err = fmt.Errorf("%w\nthe container said\n%s", err, c.log.String())
		}
	}()
	if err := c.wait(ctx, "its programs", func() bool { return strings.Contains(c.log.String(), " s after the start") }); err != nil {
		return err
	}
	if strings.Contains(c.log.String(), "not up: ") {
		return errors.New("not every program is up")
	}
	const data = "/storage/data/app/file"
	for _, step := range []struct{ want, command string }{
		{"container-manager " + version + ", commit ", "container-manager version"},
		{"RUNNING", "container-manager status | grep -w app"},
		{"", "mkdir -p /storage/data/app && echo before >" + data + " && container-manager backup && echo after >" + data},
		{"1 ", "container-manager backup list | grep -c tar"},
		{"", "container-manager restore --stop app"},
		{"before", "cat " + data},
	} {
		out, err := c.sh(ctx, step.command)
		if err != nil || !strings.Contains(strings.ReplaceAll(out, "\n", " "), step.want) {
			return fmt.Errorf("%s: %w, want %q in\n%s", step.command, err, step.want, out)
		}
	}
	if err := c.first.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return c.waitEnd(ctx)
}

// sh runs a command in the container, as docker exec does.
func (c *container) sh(ctx context.Context, command string) (string, error) {
	args := []string{"--target=" + strconv.Itoa(c.first.Process.Pid), "--mount", "--pid", "--root", "--wd"}
	if c.emulated {
		args = append(args, "--user")
	}
	cmd := exec.CommandContext(ctx, "nsenter", append(args, "/bin/sh", "-c", command)...)
	cmd.Env = environ
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// wait waits for a condition for as long as the container lives.
func (c *container) wait(ctx context.Context, what string, holds func() bool) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-c.ended:
			return fmt.Errorf("it ended before %s", what)
		case <-ctx.Done():
			return fmt.Errorf("waited in vain for %s", what)
		}
	}
	return nil
}

func (c *container) waitEnd(ctx context.Context) error {
	select {
	case <-c.ended:
	case <-ctx.Done():
		return errors.New("waited in vain for its end")
	}
	if code := c.first.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("it was stopped, and its exit status is %d, want 0", code)
	}
	return nil
}

// lockedBuffer is written by a process while others read it.
type lockedBuffer struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.String()
}
