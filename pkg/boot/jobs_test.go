package boot

import (
	"os"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

// An entry point of a child image that cron cannot run is an error in the log,
// and the container starts.
func TestJobsThatCannotBeRun(t *testing.T) {
	for want, put := range map[string]func(t *testing.T, path string){
		":1: has no #! line: begin it with #!/usr/bin/python3": func(t *testing.T, path string) { testenv.Write(t, path, "print()\n", 0o755) },
		" is empty: it does nothing":                           func(t *testing.T, path string) { testenv.Write(t, path, "", 0o755) },
		" is no file but a directory":                          func(t *testing.T, path string) { testenv.Mkdir(t, path) },
		" does not exist":                                      func(*testing.T, string) {},
		"":                                                     func(t *testing.T, path string) { testenv.Script(t, path, "exit 0") },
	} {
		for _, file := range []string{"image/backup/backup.py", "image/health/check-liveness.py", "image/health/check-readiness.py"} {
			tree := testenv.NewTree(t)
			if err := os.Remove(tree.Path(file)); err != nil {
				t.Fatal(err)
			}
			put(t, tree.Path(file))
			for _, enabled := range []string{"0", "1"} {
				c := newContainer(t, tree, "IMAGE_HEALTH_LIVENESS_CHECK_ENABLED=1", "IMAGE_CRON_ENABLED="+enabled)
				c.checkJobs()
				message := ""
				if want != "" && enabled == "1" {
					message = "ERROR\trun " + tree.Path(file) + want + ": its job in the crontab fails\n"
				}
				if got := c.log.String(); !strings.HasSuffix(got, message) || message == "" && got != "" {
					t.Errorf("%s, cron enabled %s: it said %q, want %q", file, enabled, got, message)
				}
			}
		}
	}
}
