package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/test/testenv"
)

// The tests of cron run the real binary on real crontabs.

func buildBinary(t *testing.T) string {
	t.Helper()
	return filepath.Join(testenv.Programs(t), "container-manager")
}

// cronCmd is the binary with an environment that knows nothing of this machine.
func cronCmd(binary, dir string, args ...string) *exec.Cmd {
	cmd := exec.Command(binary, append([]string{"cron"}, args...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TZ=Europe/Berlin", "IMAGE_RUN_DIR=" + filepath.Join(dir, "run"), "IMAGE_CRON_DIR=" + dir}
	return cmd
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// waitForLine waits until a file has a line that matches.
func waitForLine(t *testing.T, file, pattern string) []string {
	t.Helper()
	compiled := regexp.MustCompile("(?m)" + pattern)
	var match []string
	testenv.WaitFor(t, file+" has a line that matches "+pattern, func() bool {
		match = compiled.FindStringSubmatch(testenv.ReadIfThere(t, file))
		return match != nil
	})
	return match
}

func TestCronLife(t *testing.T) {
	binary, dir := buildBinary(t), t.TempDir()
	tab, logfile := filepath.Join(dir, "tab"), filepath.Join(dir, "crond.log")
	writeFile(t, tab, "X=cron\n@every 1s echo tick by $X in $TZ\n@reboot echo $$; trap 'echo asked to end' TERM; sleep 1000 & wait; exec sleep 1000\n")
	cmd := cronCmd(binary, dir, "-c", tab, "-L", logfile, "-l", "INFO")
	var console bytes.Buffer
	cmd.Stdout, cmd.Stderr = &console, &console
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	signal := func(s os.Signal) {
		t.Helper()
		if err := cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	waitForLine(t, logfile, `^20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\tINFO\tcron 2 jobs from `+tab+`$`)
	waitForLine(t, logfile, `\tINFO\ttab:2 tick by cron in Europe/Berlin$`)
	waitForLine(t, logfile, `\tINFO\ttab:2 end: exit status 0 after \d+`)
	job, err := strconv.Atoi(waitForLine(t, logfile, `\tINFO\ttab:3 (\d+)$`)[1])
	if err != nil {
		t.Fatal(err)
	}

	// logrotate renames the log.
	if err := os.Rename(logfile, logfile+".1"); err != nil {
		t.Fatal(err)
	}
	waitForLine(t, logfile, `\ttab:2 tick by cron`)

	writeFile(t, tab, "@every 1s echo hangup\n")
	signal(unix.SIGHUP)
	waitForLine(t, logfile, `\tINFO\tcron 1 job from .*, 0 of them as before$`)
	waitForLine(t, logfile, `\tINFO\ttab:1 hangup$`)

	writeFile(t, tab, "@every 0s echo bad\n")
	signal(unix.SIGHUP)
	waitForLine(t, logfile, `\tERROR\tcron the jobs stay as they are: `+tab+`:1: @every 0s is below 1s$`)
	if err := os.Rename(logfile, logfile+".2"); err != nil {
		t.Fatal(err)
	}
	waitForLine(t, logfile, `\tINFO\ttab:1 hangup$`)

	// No signal: the change is noticed.
	writeFile(t, tab, "@every 1s echo changed\nbad\n")
	waitForLine(t, logfile, `\tERROR\tcron `+tab+`:2: has 1 of five fields: .*: left out$`)
	waitForLine(t, logfile, `\tINFO\ttab:1 changed$`)

	signal(unix.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
	waitForLine(t, logfile, `\tINFO\tcron ending: \d jobs? still running, with 5s to end$`)
	waitForLine(t, logfile, `\tINFO\ttab:3 asked to end$`)
	waitForLine(t, logfile, `\tERROR\ttab:3 end: stopped because cron ends, after `)
	waitForLine(t, logfile, `\tINFO\tcron ended$`)
	if err := unix.Kill(-job, 0); !errors.Is(err, unix.ESRCH) && !onlyZombies(job) {
		t.Errorf("the job's process group %d is still there: %v", job, err)
	}
	if console.Len() > 0 {
		t.Errorf("cron has written to the console: %s", console.String())
	}
}

// onlyZombies reports whether nothing of a process group runs: without an init,
// orphans that have ended stay in the table of processes.
func onlyZombies(group int) bool {
	out, err := exec.Command("sh", "-c", fmt.Sprintf(`cat /proc/[0-9]*/stat 2>/dev/null | awk '$5 == %d && $3 != "Z"'`, group)).Output()
	return len(out) == 0 && (err == nil || errors.As(err, new(*exec.ExitError)))
}

// A cron that was killed cannot end its jobs. The next one does not start them a
// second time, but once they have ended.
func TestCronAfterAKill(t *testing.T) {
	binary, dir := buildBinary(t), t.TempDir()
	tab, pids := filepath.Join(dir, "tab"), filepath.Join(dir, "pids")
	writeFile(t, filepath.Join(dir, "run", "cron", "kubernetes"), "")
	job := "@every 1s echo job $$ >>" + pids + "; exec sleep 1000\n"
	writeFile(t, tab, job)
	start := func(logfile string) *exec.Cmd {
		cmd := cronCmd(binary, dir, "-c", tab, "-L", logfile)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill() })
		return cmd
	}
	killed := start(filepath.Join(dir, "log1"))
	first := waitForLine(t, pids, `^job (\d+)$`)[1]
	testenv.WaitFor(t, "the job is on record", func() bool {
		return slices.ContainsFunc(readDir(t, filepath.Join(dir, "run", "cron", "running")), func(e os.DirEntry) bool {
			return strings.Contains(e.Name(), "-"+first+"-")
		})
	})
	if err := killed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = killed.Wait()
	writeFile(t, tab, job+"@every 1s echo $$ >/dev/null\n") // none of which the killed one has left
	logfile := filepath.Join(dir, "log2")
	next := start(logfile)
	waitForLine(t, logfile, `\tWARN\ttab:1 skipped: it is still running, as process `+first+`, which a cron that was killed has started$`)
	waitForLine(t, logfile, `\tINFO\ttab:2 end: exit status 0`)
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Kill(pid, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	waitForLine(t, logfile, `\tINFO\ttab:1 start: `)
	waitForLine(t, pids, `^job `+first+`\njob \d+\n`)
	if err := next.Process.Signal(unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := next.Wait(); err != nil {
		t.Error(err)
	}
	waitForLine(t, logfile, `\tINFO\tcron ended$`)
	// The killed one's record is forgotten when the next cron starts.
	for _, e := range readDir(t, filepath.Join(dir, "run", "cron", "running")) {
		if !strings.Contains(e.Name(), "-"+first+"-") {
			t.Errorf("after the end %s is on record", e.Name())
		}
	}
}

func readDir(t *testing.T, dir string) []os.DirEntry {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

func TestCronTest(t *testing.T) {
	binary, dir := buildBinary(t), t.TempDir()
	good, bad := filepath.Join(dir, "good"), filepath.Join(dir, "bad")
	writeFile(t, good, "# jobs\n30 2 29 2 * leap day\n@reboot once\nTZ=UTC\n*/5 * * * * often\n")
	writeFile(t, bad, "61 * * * * x\n@daily fine\n* * * * *\n")
	out, err := cronCmd(binary, dir, "--test", good).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	leapDays := `(?m)^` + good + `:2: 30 2 29 2 \*\tleap day\n(\t\w{3} 20\d[02468]-02-29 02:30:00 CET\n){3}` +
		good + `:3: @reboot\tonce\n\twhen cron starts\n` +
		good + `:5: \*/5 \* \* \* \*\toften\n(\t\w{3} 20\d\d-\d\d-\d\d \d\d:\d[05]:00 UTC\n){3}`
	if !regexp.MustCompile(leapDays).Match(out) {
		t.Errorf("%s does not match\n%s", leapDays, out)
	}

	out, err = cronCmd(binary, dir, "--test", good, bad).CombinedOutput()
	wantExit(t, err, 2, out)
	for _, want := range []string{"leap day", ":2: @daily\tfine", bad + ":1: minute 61 is above 59", bad + `:3: no command behind the schedule "* * * * *"`} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}

func wantExit(t *testing.T, err error, code int, out []byte) {
	t.Helper()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != code {
		t.Errorf("%v, want exit status %d\n%s", err, code, out)
	}
}

func TestCronRefuses(t *testing.T) {
	binary, dir := buildBinary(t), t.TempDir()
	bad := filepath.Join(dir, "bad")
	writeFile(t, bad, "nonsense\n")
	for _, tt := range []struct {
		args, environ, want string
		code                int
	}{
		{"", "", "no crontab is named: --crontab FILE", 2},
		{"--test", "", "no crontab is named: cron --test FILE", 2},
		{"-c BAD", "", "the log needs exactly one place: --logfile FILE or --console", 2},
		{"-c BAD -C -L x", "", "the log needs exactly one place: --logfile FILE or --console", 2},
		{"-c BAD -C more", "", `"more" is no flag: a crontab is named with --crontab FILE`, 2},
		{"-c BAD -C -l LOUD", "", `invalid argument "LOUD" for "-l, --loglevel" flag: expected DEBUG, INFO, WARNING, ERROR or CRITICAL`, 2},
		{"-c BAD -C", "IMAGE_CRON_STRICT=1", "the crontab has bad lines:\n  BAD:1: has 1 of five fields: minute, hour, day of month, month, day of week", 2},
		{"-c BAD -C", "IMAGE_CRON_JOB_TIMEOUT=soon", `IMAGE_CRON_JOB_TIMEOUT="soon": expected a duration such as 90s, 5m or 1h30m`, 2},
		{"-c BAD.no -C", "", "cannot read the crontab: open BAD.no: no such file or directory", 1},
		{"-c BAD -L BAD.no/log", "", "cannot write the log: open BAD.no/log: no such file or directory", 1},
	} {
		cmd := cronCmd(binary, dir, strings.Fields(strings.ReplaceAll(tt.args, "BAD", bad))...)
		cmd.Env = append(cmd.Env, tt.environ)
		out, err := cmd.CombinedOutput()
		wantExit(t, err, tt.code, out)
		if !strings.Contains(strings.ReplaceAll(string(out), bad, "BAD"), tt.want) {
			t.Errorf("%s: %q is not in\n%s", tt.args, tt.want, out)
		}
	}
}

// Where an old step wrote a file in place of the link to the crontab, the jobs of
// both are run, whichever is named, and each once.
func TestCronReadsBothCrontabs(t *testing.T) {
	binary, dir := buildBinary(t), t.TempDir()
	link, rendered := filepath.Join(dir, "kubernetes"), filepath.Join(dir, "run", "cron", "kubernetes")
	writeFile(t, rendered, "@reboot echo built in\n")
	for name, prepare := range map[string]func() error{
		"link": func() error { return os.Symlink(rendered, link) },
		"file": func() error {
			return os.WriteFile(link, []byte("@reboot echo old step\n@reboot   echo built in\n"), 0o600)
		},
	} {
		if err := os.RemoveAll(link); err != nil {
			t.Fatal(err)
		}
		if err := prepare(); err != nil {
			t.Fatal(err)
		}
		for _, crontab := range []string{link, rendered} {
			logfile := filepath.Join(t.TempDir(), "log")
			cmd := cronCmd(binary, dir, "--crontab", crontab, "--logfile", logfile, "--loglevel", "debug")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			waitForLine(t, logfile, `\tkubernetes:[12] built in$`)
			if name == "file" {
				waitForLine(t, logfile, `\tkubernetes:1 old step$`)
				waitForLine(t, logfile, `\tINFO\tcron 1 job left out, from .*/kubernetes:\d on: an entry above is the same$`)
			}
			if err := cmd.Process.Signal(unix.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
			content, err := os.ReadFile(logfile)
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(content), " built in\n"); n != 2 { // start, and output
				t.Errorf("%s, %s: the job ran %d times:\n%s", name, crontab, n-1, content)
			}
		}
	}
}
