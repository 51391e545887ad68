package cli

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/test/testenv"
)

// TestWhatTheLogOfTheContainerSays is what a person sees of mistakes that no error of the
// start is about.
func TestWhatTheLogOfTheContainerSays(t *testing.T) {
	c := newContainer(t)
	c.program("port", "command = /bin/sh -c 'echo former >&2; echo port 8080 is in use; exit 1'", "startretries = 0", "startsecs = 100", "redirect_stderr = true", "stdout_logfile = %(ENV_SUPERVISOR_LOGS_DIR)s/port.log")
	c.program("away", "command = /bin/true", "startretries = 0", "startsecs = 100")
	testenv.Write(t, c.Path("image/supervisord/conf.d/hello.cfg"), "[program:hello]\n", 0o644)
	testenv.Script(t, c.Path("image/health/readiness.probes.d/check-crnd.sh"), "exit 0")
	crontab := c.Path("image/cron/kubernetes")
	_ = os.Remove(crontab)
	testenv.Write(t, crontab, "61 * * * * x\n@reboot echo no such host; exit 7\n", 0o644)
	c.start()
	for _, want := range []string{
		"; not up: ",
		"ERROR\tport port 8080 is in use\n",
		"ERROR\twake away ends with exit status 0: if it goes into the background, run it in the foreground\n",
		"WARN\twake nothing reads " + c.Path("image/supervisord/conf.d/hello.cfg") + ": the names of the files of this directory end in .conf\n",
		"WARN\twake " + c.Path("image/health/readiness.probes.d/check-crnd.sh") + " is named after no program, so a failure restarts nothing: did you mean check-crond?\n",
		": minute 61 is above 59: left out\n",
		" fails: exit status 7, last output: no such host (see " + c.Path("storage/logs/crond.log") + ")\n",
	} {
		c.life.Says(want)
	}
}

func TestTail(t *testing.T) {
	path := t.TempDir() + "/app.log"
	testenv.Write(t, path, strings.Repeat("x", 3000)+"\n1\n\n2\n3\x1b[0m\n4\n5\n6\n", 0o644)
	before := time.Now().Add(-time.Minute)
	if got, want := tail(path, before), []string{"2", "3[0m", "4", "5", "6"}; !slices.Equal(got, want) {
		t.Errorf("the tail is %q, want %q", got, want)
	}
	pipe := t.TempDir() + "/pipe"
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string][]string{
		"of a pipe": tail(pipe, before), "of a former life": tail(path, time.Now().Add(time.Hour)), "of no file": tail(path+"2", before),
		"of a device": tail("/dev/null", before), "of nothing": tail("", before),
	} {
		if len(got) > 0 {
			t.Errorf("the tail %s is %q", name, got)
		}
	}
}
