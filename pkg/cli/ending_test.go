package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/stopmark"
	"github.com/ZPascal/container-manager/test/testenv"
)

// newEssentialContainer returns a container with the essential program app, a shell
// that runs a script, and the file where kubelet looks for last words.
func newEssentialContainer(t *testing.T, script string, options ...string) *container {
	t.Helper()
	c := newContainer(t, "IMAGE_ESSENTIAL_PROGRAMS=app,other", "IMAGE_CRON_ENABLED=false")
	c.Setenv("IMAGE_TERMINATION_LOG=" + c.Path("storage/last-words"))
	testenv.Write(t, c.Path("storage/last-words"), "", 0o644)
	testenv.Script(t, c.Path("image/app/app.sh"), script)
	c.program("app", append([]string{"command = %(ENV_IMAGE_APP_DIR)s/app.sh"}, options...)...)
	c.program("other", sleeper, "autorestart = false")
	return c
}

// wantHonestEnd waits for the container's end and fails unless it ends with the
// status and says why, in its log and in its last words.
func (c *container) wantHonestEnd(status int, why string) {
	c.t.Helper()
	if got := c.life.End(); got != status {
		c.t.Errorf("it ended with %d, want %d", got, status)
	}
	if n := strings.Count(c.life.Output.String(), why); n != 1 {
		c.t.Errorf("it says %d times %q", n, why)
	}
	if words := testenv.Read(c.t, c.Path("storage/last-words")); !strings.Contains(words, why) || strings.Count(words, "\n") != 1 {
		c.t.Errorf("its last words are %q, want %q", words, why)
	}
	if left := c.left(); len(left) > 0 {
		c.t.Errorf("processes are left: %v", left)
	}
}

func TestEssentialProgram(t *testing.T) {
	for name, test := range map[string]struct {
		script  string
		options []string
		status  int
		why     string
	}{
		"ends with 3":     {untilSick + "exit 3", []string{"autorestart = false"}, 11, "app has ended, it exited 3: the container ends with status 11"},
		"ends with 0":     {untilSick + "exit 0", []string{"autorestart = unexpected"}, 11, "app has ended, it exited 0: the container ends with status 11"},
		"is killed":       {untilSick + "kill -9 $$", []string{"autorestart = false"}, 11, "app has ended, it was ended by SIGKILL: the container ends with status 11"},
		"is FATAL":        {untilSick + "exit 4", []string{"startsecs = 1000", "startretries = 0"}, 10, "app is FATAL: Exited too quickly (process log may have details), it exited 4: the container ends with status 10"},
		"does not begin":  {"", []string{"command = /nowhere/app", "startretries = 0"}, 10, "app is FATAL: can't find command '/nowhere/app': the container ends with status 10"},
		"loops":           {untilSick + "sleep 0.05; exit 5", []string{"autorestart = true"}, 12, "app has ended unexpectedly 5 times in 5m0s (IMAGE_HEALTH_CRASHES), it exited 5: the container ends with status 12"},
		"loops and rests": {untilSick + "sleep 0.5; exit 6", nil, 12, "app has ended unexpectedly 5 times in 5m0s (IMAGE_HEALTH_CRASHES), it exited 6: the container ends with status 12"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newEssentialContainer(t, test.script, test.options...)
			c.start()
			if test.script != "" { // else it ends by itself, perhaps before anybody asks
				c.waitState("other", "RUNNING")
				testenv.Write(t, c.Path("storage/sick"), "", 0o644)
			}
			c.wantHonestEnd(test.status, test.why)
		})
	}
}

// A program that is held, started again, or ends as often as it may, ends nothing.
func TestEssentialProgramThatLives(t *testing.T) {
	c := newEssentialContainer(t, "while [ ! -e $STORAGE_BASE_DIR/end ]; do sleep 0.02; done\nrm $STORAGE_BASE_DIR/end\nexit 3", "autorestart = unexpected", "exitcodes = 0")
	c.start()
	for range 3 {
		before := c.waitState("app", "RUNNING").Pid
		testenv.Write(t, c.Path("storage/end"), "", 0o644)
		testenv.WaitFor(t, "app was started again", func() bool {
			p := c.process("app")
			return p.StateName == "RUNNING" && p.Pid != before
		})
	}
	c.want(0, "", "restart", "app")
	// It ends for good while a backup holds it, and is started again before that has ended.
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(stopmark.Hold(c.Path("run"), "other", stopmark.Backup))
	must(unix.Kill(c.waitState("other", "RUNNING").Pid, unix.SIGKILL))
	c.waitState("other", "EXITED")
	for _, verb := range []string{"stop", "start"} {
		c.want(0, "", verb, "app")
	}
	must(c.client().Start(t.Context(), c.process("other")))
	must(stopmark.Release(c.Path("run"), "other"))
	// supervisord's reload stops and starts everything.
	before := c.waitState("app", "RUNNING").Pid
	c.life.Signal(unix.SIGHUP)
	testenv.WaitFor(t, "supervisord has reloaded", func() bool {
		p := c.process("app")
		return p.StateName == "RUNNING" && p.Pid != before
	})
	c.life.Signal(unix.SIGTERM)
	if status := c.life.End(); status != 0 {
		t.Errorf("it ended with %d", status)
	}
	if words := testenv.Read(t, c.Path("storage/last-words")); words != "" {
		t.Errorf("its last words are %q", words)
	}
}

// SIGTERM during a loop ends the container as it always does, and what the stop
// makes FATAL is no reason.
func TestEssentialProgramAndSIGTERM(t *testing.T) {
	c := newEssentialContainer(t, ": >$STORAGE_BASE_DIR/up; exit 1", "startsecs = 1000", "startretries = 1000")
	c.start()
	testenv.WaitFor(t, "app has begun", func() bool { return testenv.Exists(c.Path("storage/up")) })
	c.waitState("app", "BACKOFF")
	c.life.Signal(unix.SIGTERM)
	if status := c.life.End(); status != 0 || strings.Contains(c.life.Output.String(), "the container ends") {
		t.Errorf("it ended with %d", status)
	}
}

func TestEssentialProgramOfManyProcesses(t *testing.T) {
	c := newEssentialContainer(t, "[ $1 = 1 ] || exec sleep 1000\n"+untilSick+"exit 7", "autorestart = false",
		"command = %(ENV_IMAGE_APP_DIR)s/app.sh %(process_num)d", "process_name = app_%(process_num)d", "numprocs = 3")
	c.start()
	c.waitState("app:app_1", "RUNNING")
	testenv.Write(t, c.Path("storage/sick"), "", 0o644)
	c.wantHonestEnd(11, "app:app_1 has ended, it exited 7: the container ends with status 11")
}

func TestEssentialProgramThatThereIsNot(t *testing.T) {
	c := newEssentialContainer(t, "exec sleep 1000")
	c.Setenv("IMAGE_ESSENTIAL_PROGRAMS=app,worker", "IMAGE_MAIN_PROGRAM=web")
	c.start()
	code, said := c.life.End(), c.life.Output.String()
	words := testenv.Read(t, c.Path("storage/last-words"))
	for _, want := range []string{
		`IMAGE_ESSENTIAL_PROGRAMS: there is no program "worker" among supervisord's files in ` + c.Path("image/supervisord"),
		`IMAGE_MAIN_PROGRAM="web": there is no [program:web]`,
	} {
		if code != 2 || !strings.Contains(said, want) || !strings.Contains(words, want) {
			t.Errorf("exit code %d, want %s; last words %q; it said\n%s", code, want, words, said)
		}
	}
}

// Each restart by a check leaves app as sick as it was.
func TestRestartsThatDoNotHelp(t *testing.T) {
	c := newEssentialContainer(t, "exec sleep 1000")
	c.Setenv("IMAGE_ESSENTIAL_PROGRAMS=", "IMAGE_HEALTH_MAX_RESTARTS=2/1h")
	testenv.Script(t, c.Path("image/health/readiness.probes.d/check-app.sh"), "exit 9")
	c.start()
	c.waitState("app", "RUNNING")
	c.want(0, "", "restart", "app") // a person's does not count
	for restarts := 0; restarts < 2; {
		c.age("app")
		if _, said := c.exec("check-readiness"); strings.Contains(said, "restarted app in ") {
			restarts++
		}
	}
	c.want(0, "", "stop", "app")
	c.exec("check-readiness") // nor does what is held
	c.want(0, "", "start", "app")
	testenv.WaitFor(t, "the container ends", func() bool {
		_, said := c.exec("check-readiness")
		return strings.Contains(said, "that has not helped") || !testenv.Exists(c.Path("tmp/supervisord.sock"))
	})
	c.wantHonestEnd(13, "app was restarted by checks 2 times in 1h0m0s (IMAGE_HEALTH_MAX_RESTARTS), and that has not helped: check-app.sh of the readiness check failed: ended with exit status 9 (line 2: exit 9): the container ends with status 13")
}

func TestLastWords(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "log")
	testenv.Write(t, file, strings.Repeat("old ", 5000), 0o644)
	writeLastWords(file, strings.Repeat("ä", maxLastWords))
	if got := testenv.Read(t, file); got != strings.Repeat("ä", maxLastWords/2) {
		t.Errorf("the last words have %d bytes", len(got))
	}
	writeLastWords(file, "x"+strings.Repeat("ä", maxLastWords))
	if got := testenv.Read(t, file); len(got) != maxLastWords-1 || !strings.HasSuffix(got, "ä") {
		t.Errorf("the last words have %d bytes", len(got))
	}
	writeLastWords(file, "short")
	if got := testenv.Read(t, file); got != "short\n" {
		t.Errorf("the last words are %q", got)
	}
	// Missing, a directory, a pipe that nobody reads, not to be written: nothing is made, nobody waits.
	pipe := filepath.Join(dir, "pipe")
	if err := unix.Mkfifo(pipe, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, "none"), dir, pipe, "/dev/full", "/proc/version", ""} {
		writeLastWords(path, "lost")
	}
	if names := testenv.Names(t, dir); len(names) != 2 {
		t.Errorf("there are %q", names)
	}
}

func TestLastWordsOnAFullDisk(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, dir string) {
		testenv.Mount(t, "tmpfs", dir, "tmpfs", 0, "size=64k")
		file := filepath.Join(dir, "log")
		testenv.Write(t, file, "", 0o644)
		_ = os.WriteFile(filepath.Join(dir, "fill"), make([]byte, 1<<20), 0o644)
		writeLastWords(file, "lost")
		if got := testenv.Read(t, file); got != "" {
			t.Errorf("the last words are %q", got)
		}
	})
}
