package cli

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

func TestCompletion(t *testing.T) {
	testenv.NotQuick(t)
	c := newContainer(t, "IMAGE_CRON_ENABLED=false")
	for _, shell := range shells {
		code, said := c.exec("completion", shell)
		if code != 0 || !strings.Contains(said, "container-manager") || !strings.Contains(said, "__complete") {
			t.Errorf("%s: exit code %d, it said\n%.200s", shell, code, said)
		}
		if path, err := exec.LookPath(shell); err == nil {
			check := exec.Command(path, "-n")
			check.Stdin = strings.NewReader(said)
			if out, err := check.CombinedOutput(); err != nil {
				t.Errorf("%s does not read it: %v\n%s", shell, err, out)
			}
		}
	}
	c.want(2, "for which shell? expected one of bash, zsh, fish", "completion")
	c.want(2, "for which shell? expected one of bash, zsh, fish", "completion", "sh")

	completes := func(want string, args ...string) {
		t.Helper()
		code, said := c.exec(append([]string{"__completeNoDesc"}, args...)...)
		if code != 0 || !strings.Contains("\n"+said, "\n"+want+"\n") {
			t.Errorf("%q: exit code %d, it said\n%s\nwant the line %q", args, code, said, want)
		}
	}
	completes("restart", "re")
	completes("--timeout", "restart", "--ti")
	completes("readiness", "health", "")
	completes("verify", "backup", "v")
	completes(":4", "restart", "") // nothing, and no files, where supervisord does not run
	c.program("app", sleeper)
	c.start()
	c.waitState("app", "RUNNING")
	for _, command := range []string{"restart", "stop", "start", "logs", "wait program", "probe process"} {
		completes("app", append(strings.Fields(command), "")...)
	}
	code, said := c.exec("__complete", "restart", "")
	if code != 0 || !strings.Contains(said, "app\tRUNNING\n") {
		t.Errorf("exit code %d, it said\n%s", code, said)
	}
}
