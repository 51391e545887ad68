package supervisordtest

import (
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

// facing are the tests that run a supervisord.
var facing = [][]string{
	{"./pkg/supervisorconf", "./pkg/supervisor", "./pkg/events", "./pkg/health", "./pkg/boot", "./pkg/pid1", "./pkg/render"},
	{"-run", "StartOrder|Essential|Loop|Crash", "./pkg/cli"},
}

// TestNewerSupervisord runs the tests that run a supervisord once more, with a
// newer one in place of this machine's: nobody else sees that it is there.
func TestNewerSupervisord(t *testing.T) {
	testenv.NotQuick(t)
	modules, err := Newer(t.Context(), t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	if modules == "" {
		return
	}
	newer := filepath.Join(modules, "supervisor")
	t.Logf("supervisord %s", testenv.Read(t, newer+"/version.txt"))
	const run = `mount --bind "$1" "$2" && shift 2 && exec go test -count=1 "$@"`
	for _, args := range facing {
		cmd := exec.CommandContext(t.Context(), "/bin/sh", append([]string{"-c", run, "sh", newer, Modules + "/supervisor"}, args...)...)
		cmd.Dir = "../.."
		cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%q: %v\n%s", args, err, out)
		}
	}
}
