package render_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

// splitAsSupervisord splits a command as supervisord does before it runs it.
func splitAsSupervisord(t *testing.T, command string) []string {
	t.Helper()
	testenv.NotQuick(t)
	cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", "-c", `import shlex, sys; print("\0".join(shlex.split(sys.argv[1])), end="")`, command)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%q: %v", command, err)
	}
	return strings.Split(string(out), "\x00")
}

// What a path may hold, no tool takes for anything but a path.
func TestOddPaths(t *testing.T) {
	tree := testenv.NewTreeAt(t, filepath.Join(testenv.Dir(t), "a b #1 it"))
	withPrograms(t, tree, "filebeat")
	testenv.Write(t, tree.Path("image/cron/cron.py"), "#!/none/container-manager script\n", 0o755)
	testenv.Script(t, tree.Path("image/supervisord/eventlistener.py"), "") // a child image's own
	run := tree.Path("run 50%d (x) #2")
	environ := []string{"IMAGE_RUN_DIR=" + run, "LOGGING_REDIS_HOST=redis"}
	got := accepted(t, tree, environ...)
	for name, want := range map[string][]string{
		"crond:crond":       {"container-manager", "script", tree.Path("image/cron/cron.py"), "--crontab", run + "/cron/kubernetes", "--logfile", tree.Path("storage/logs/crond.log")},
		"filebeat:filebeat": {"filebeat", "-e", "-c", run + "/logging/filebeat-global.yml"},
		"health:health":     {tree.Path("image/supervisord/eventlistener.py"), tree.Path("tmp"), tree.Path("tmp")},
	} {
		if words := splitAsSupervisord(t, got[name].Command); !slices.Equal(words, want) {
			t.Errorf("%s runs %q, want %q", name, words, want)
		}
	}
	c := rendered(t, tree, environ...)
	testenv.Write(t, c.BackupLog, "backup\n", 0o644)
	if out := logrotate(t, c, "-f"); out != "" {
		t.Errorf("logrotate says %s", out)
	}
	if _, err := os.Stat(c.BackupLog + ".1"); err != nil {
		t.Error(err)
	}
}
