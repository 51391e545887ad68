package counts

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

// run runs the measured command, below a tool if there is one, and returns what both said.
type run func(tool ...string) string

// runOnce runs a command line with a container's environment to its end.
func runOnce(t *testing.T, c *testenv.Container, status int, argv ...string) string {
	t.Helper()
	cmd := c.Command(argv[0], argv[1:]...)
	out, err := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != status {
		t.Fatalf("%q: exit status %d (%v), expected %d\n%s", argv, got, err, status, out)
	}
	faults := cmd.ProcessState.SysUsage().(*syscall.Rusage).Minflt
	return fmt.Sprintf("%s\nfaults: %d\n", out, faults)
}

// instructions counts with valgrind: virtual machines have no hardware
// counters.
func instructions(t *testing.T, run run) int {
	t.Helper()
	return number(t, run("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"), `I +refs: +([\d,]+)`)
}

// pageFaults counts those of the command itself, as wait(2) tells them.
func pageFaults(t *testing.T, run run) int {
	t.Helper()
	return number(t, run(), `(?m)^faults: (\d+)`)
}

func number(t *testing.T, text, pattern string) int {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("nothing matches %s in\n%s", pattern, text)
	}
	n, err := strconv.Atoi(strings.ReplaceAll(m[1], ",", ""))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// writes matches the calls of strace -y that write: to which file, and how much.
var writes = regexp.MustCompile(`(?:write|pwrite64|writev)\(\d+<([^>]*)>.* = (\d+)$`)

// fileCalls counts the system calls on files, and the bytes that go to files below the
// container's root. Those that wake or stop threads are a matter of chance, and left out.
func fileCalls(t *testing.T, c *testenv.Container, run run) (calls, written int) {
	t.Helper()
	log := filepath.Join(testenv.Dir(t), "strace")
	run("strace", "--follow-forks", "--decode-fds=path", "--trace=%file,%desc", "--signal=none", "--quiet=all", "--output="+log)
	for line := range strings.Lines(testenv.Read(t, log)) {
		if strings.Contains(line, " resumed>") {
			continue // the other half of a call
		}
		calls++
		if m := writes.FindStringSubmatch(strings.TrimSpace(line)); m != nil && strings.HasPrefix(m[1], c.Root) {
			n, err := strconv.Atoi(m[2])
			if err != nil {
				t.Fatal(err)
			}
			written += n
		}
	}
	return calls, written
}

// settledFaults returns the page faults of a process that sleeps and goes on sleeping.
func settledFaults(t *testing.T, pid int) (faults int) {
	t.Helper()
	last, same := -1, 0
	testenv.WaitFor(t, fmt.Sprintf("process %d has nothing to do", pid), func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			t.Fatal(err)
		}
		// Behind the name, which may hold blanks; see proc(5).
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		if faults, err = strconv.Atoi(fields[7]); err != nil {
			t.Fatal(err)
		}
		if same++; faults != last || fields[0] != "S" {
			last, same = faults, 0
		}
		return same == 50
	})
	return faults
}

// remove removes a tree that a start may have locked.
func remove(dir string) error {
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			_ = os.Chmod(path, 0o755)
		}
		return nil
	})
	return os.RemoveAll(dir)
}
