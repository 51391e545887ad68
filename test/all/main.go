// Command all runs all tests, for make test: it makes what they need, runs go test
// with its arguments, and leaves no process, mount or file behind, however that
// ended. What a run has left that was killed, the next one clears.
//
// The tests of pkg/ run with the race detector. Those of test/ run the binary as it
// is released, where it would find nothing and take its time.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/ZPascal/container-manager/test/internal/containertest"
	"github.com/ZPascal/container-manager/test/testenv"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "all:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) (err error) {
	if err := errors.Join(containertest.Sweep(), sweep(), containertest.Sweep()); err != nil {
		return fmt.Errorf("cannot clear what an earlier run has left: %w", err)
	}
	dir, lock, err := newDir()
	if err != nil {
		return err
	}
	defer func() {
		// The processes that are ended in between may have held storages of containers.
		err = errors.Join(err, containertest.Sweep(), clearDir(dir), lock.Unlock(), containertest.Sweep())
	}()
	// Everything below looks for its place here, and can be found by it.
	if err := os.Setenv("TMPDIR", dir); err != nil {
		return err
	}
	if err := prepare(ctx); err != nil {
		return err
	}
	return errors.Join(
		goTest(ctx, append([]string{"-race"}, append(args, "./cmd/...", "./pkg/...")...)...),
		goTest(ctx, append(args, "./test/...")...))
}

func goTest(ctx context.Context, args ...string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	// Most tests wait for programs, so twice as many packages as usual run at the same time.
	args = append([]string{"test", "-count=1", "-timeout=60m", fmt.Sprintf("-p=%d", 2*runtime.GOMAXPROCS(0))}, args...)
	fmt.Println("go", strings.Join(args, " "))
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 30 * time.Second
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s of the tests in %s", err, args[len(args)-1]) // which have said what
	}
	return nil
}

// prepare makes what tests share and what takes minutes, where no test's time limit
// runs. All of it is kept for the next run.
func prepare(ctx context.Context) error {
	say := func(format string, args ...any) { fmt.Printf("prepare: "+format+"\n", args...) }
	steps := []struct {
		what string
		make func() error
	}{
		{"filebeat 7.17, which is compiled (some minutes the first time)", func() error {
			_, err := testenv.MakeFilebeat(ctx, say)
			return err
		}},
		{"the images of distributions, which are made of packages (some minutes the first time)", func() error {
			return containertest.MakeBases(ctx, say)
		}},
		{"the image of Dockerfile.alpine (a minute after each change)", func() error {
			return containertest.MakeImage(ctx, say)
		}},
	}
	if os.Geteuid() != 0 {
		say("without root no container can run: their tests will fail; sudo make test runs them")
		steps = steps[:1]
	}
	for i, step := range steps {
		say("%d of %d: %s", i+1, len(steps), step.what)
		began := time.Now()
		if err := step.make(); err != nil {
			return err
		}
		say("%d of %d: ready after %s", i+1, len(steps), time.Since(began).Round(time.Second))
	}
	return nil
}

// sweep clears the directories of runs that were killed: those that nobody locks.
func sweep() error {
	var errs []error
	dirs, err := filepath.Glob(filepath.Join(os.TempDir(), dirPattern))
	errs = append(errs, err)
	for _, dir := range slices.DeleteFunc(dirs, isLock) {
		lock, err := tryLock(dir)
		if lock == nil {
			errs = append(errs, err)
			continue
		}
		errs = append(errs, clearDir(dir), lock.Unlock())
	}
	return errors.Join(errs...)
}
