package testenv

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What a test binary is told when it is run again.
const (
	programVariable = "TESTENV_PROGRAM" // the program that it is
	testVariable    = "TESTENV_TEST"    // the test whose body runs in it
	dirVariable     = "TESTENV_DIR"     // that test's directory
)

// isolated is the test whose body runs in this process, which an Isolated test
// has started, and isolatedDir its directory; tests change their environment.
var isolated, isolatedDir = os.Getenv(testVariable), os.Getenv(dirVariable)

// self is this binary. As a path it may lie below a directory that other users
// cannot enter.
const self = "/proc/self/exe"

// atOnce keeps the race detector from sleeping a second at the end.
const atOnce = "GORACE=atexit_sleep_ms=0"

// Main is for TestMain: it runs the tests, or makes the test binary one of the
// programs where Command has started it. They get the command line and return the
// exit status.
func Main(m *testing.M, programs map[string]func(args []string) int) {
	if name, ok := os.LookupEnv(programVariable); ok {
		check := os.Unsetenv(programVariable)
		program := programs[name]
		if check != nil || program == nil {
			fmt.Fprintf(os.Stderr, "testenv: there is no program %q\n", name)
			os.Exit(125)
		}
		os.Exit(program(os.Args))
	}
	os.Exit(runTests(m))
}

// Command returns a command that runs one of Main's programs in a process of
// its own, which does not outlive the test.
func Command(t testing.TB, environ []string, program string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Args[0] = program
	cmd.Env = append(environ[:len(environ):len(environ)], programVariable+"="+program, atOnce)
	return cmd
}

// Isolated runs a test's body in a process of its own, as root: what it mounts
// nobody else sees, and it may Become another user. The directory is the test's;
// its parents are open to all.
func Isolated(t *testing.T, body func(t *testing.T, dir string)) {
	t.Helper()
	if isolated == t.Name() {
		body(t, isolatedDir)
		return
	}
	NotQuick(t)
	if os.Geteuid() != 0 {
		t.Fatal("this test mounts and changes users: run it as root")
	}
	parts := strings.Split(t.Name(), "/")
	for i, part := range parts {
		parts[i] = "^" + regexp.QuoteMeta(part) + "$"
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run="+strings.Join(parts, "/"), "-test.v", "-test.timeout="+remaining(t))
	cmd.Env = append(os.Environ(), testVariable+"="+t.Name(), dirVariable+"="+Dir(t), atOnce)
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) {
		t.Fatalf("this test mounts, which this container may not: run it with CAP_SYS_ADMIN (docker run --privileged): %v", err)
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()+" (") {
		t.Fatalf("in a process of its own: %v\n%s", err, out)
	}
}

// remaining is how long a process may take that the test waits for: it ends first,
// and says what it did.
func remaining(t *testing.T) string {
	end, ok := t.Deadline()
	if !ok {
		return "0"
	}
	return max(time.Until(end)-10*time.Second, time.Second).String()
}

// Become makes the process another user for good, in the body of an Isolated
// test.
func Become(t testing.TB, uid int) {
	t.Helper()
	if isolated == "" {
		t.Fatal("Become is for the body of an Isolated test")
	}
	check(t, syscall.Setgroups(nil))
	check(t, syscall.Setgid(uid))
	check(t, syscall.Setuid(uid))
}

// Mount mounts something in the body of an Isolated test, until its process ends.
func Mount(t testing.TB, source, dir, kind string, flags uintptr, options string) {
	t.Helper()
	if isolated == "" {
		t.Fatal("Mount is for the body of an Isolated test")
	}
	Mkdir(t, dir)
	if err := syscall.Mount(source, dir, kind, flags, options); err != nil {
		t.Fatalf("mount %s: %v", dir, err)
	}
	// So that the directories around it can be removed.
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
}

// Alive reports whether a process runs; one that nobody has reaped does not.
func Alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	// The name may hold anything, blanks and brackets too; see proc(5).
	_, rest, _ := strings.Cut(string(stat[strings.LastIndexByte(string(stat), ')'):]), " ")
	return !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}
