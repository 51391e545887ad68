// Command faults runs containers, injects faults at random and checks after each
// that nothing is lost, nobody is down and nobody is let in; see doc/faults.md.
//
// A container is a process tree in a pid and a mount namespace of its own, with the
// real binary as its first process and a real supervisord. It needs root.
package main

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/ZPascal/container-manager/test/testenv"
)

// insideVariable tells a process that it runs in the namespaces of the soak.
const insideVariable = "FAULTS_INSIDE"

func main() {
	if len(os.Args) == 3 {
		switch os.Args[1] {
		case "app":
			fail(serve(os.Args[2]))
			return
		case "probe":
			_, err := ask(os.Args[2], pingRequest, 20*time.Second)
			fail(err)
			return
		}
	}
	length := flag.Duration("for", time.Hour, "how long to inject faults")
	seed := flag.Uint64("seed", rand.Uint64N(1e6), "of the random numbers")
	trials := flag.Int("trials", 0, "how many faults to inject at most, 0 for no limit")
	only := flag.String("only", "", "inject no faults but those with this in their kind")
	binary := flag.String("binary", "", "container-manager; built when empty")
	flag.Parse()
	if os.Getenv(insideVariable) == "" {
		os.Exit(isolate())
	}
	fail(syscall.Mount("proc", "/proc", "proc", 0, ""))
	os.Exit(soak(*length, *seed, *trials, *only, *binary))
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1)
	}
}

// isolate runs this program again as the first process of a pid namespace, so that
// whatever happens no process outlives it, and no mount.
func isolate() int {
	if os.Geteuid() != 0 {
		fmt.Fprintln(os.Stderr, "faults: containers have namespaces of their own, which needs root: sudo make faults")
		return 1
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), insideVariable+"=1")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWPID, Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL,
	}
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP) // the soak ends itself
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		return 1
	}
	go func() {
		for range interrupted {
			_ = cmd.Process.Signal(syscall.SIGTERM)
		}
	}()
	err := cmd.Wait()
	var ended *exec.ExitError
	if errors.As(err, &ended) && ended.ExitCode() < 0 {
		fmt.Fprintln(os.Stderr, "faults:", err)
		return 1
	}
	return cmd.ProcessState.ExitCode()
}

// soak runs worlds until the time is over, all trials are done, or an invariant is broken.
func soak(length time.Duration, seed uint64, trials int, only, binary string) int {
	if len(kinds(only)) == 0 {
		fail(fmt.Errorf("-only %q: no fault has that in its kind: doc/faults.md lists them", only))
	}
	dir, err := os.MkdirTemp("", "faults-")
	fail(err)
	fail(os.Chmod(dir, 0o755))
	fail(os.Setenv("TMPDIR", dir)) // so that nothing is left elsewhere
	if binary == "" {
		binary = filepath.Join(dir, "bin", "container-manager")
		fail(build(binary))
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	s := &session{
		dir: dir, binary: binary, seed: seed, end: time.Now().Add(length), limit: trials, stop: stop, faults: kinds(only),
		order: rand.New(rand.NewPCG(seed, 0)), random: rand.New(rand.NewPCG(seed, 1)), trials: map[string]*tally{},
	}
	fail(s.installFilebeat())
	fmt.Printf("faults: for %s, SEED=%d, in %s\n", length, seed, dir)
	err = s.run()
	s.printTable(os.Stdout)
	if err != nil {
		fmt.Printf("\nBROKEN: SEED=%d, %v\nThe directory is kept: %s\n", seed, err, dir)
		return 1
	}
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		return 1
	}
	return 0
}

func build(binary string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, "./cmd/container-manager")
	root, err := testenv.Repository()
	if err != nil {
		return err
	}
	cmd.Dir, cmd.Env, cmd.Stderr = root, append(os.Environ(), "CGO_ENABLED=0"), os.Stderr
	return cmd.Run()
}
