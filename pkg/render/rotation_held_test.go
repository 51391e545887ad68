package render_test

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

// Programs of old images hold their logs open, and are told nothing: after a
// rotation they write on to the file of the same name, in a block of its own and in
// one that names a log of supervisord's too.
func TestHeldLogsGoOn(t *testing.T) {
	signal.Ignore(syscall.SIGUSR2) // stands in for supervisord
	t.Cleanup(func() { signal.Reset(syscall.SIGUSR2) })
	for name, block := range map[string]string{
		"alone":                   "LOGS/own.log {\n}\n",
		"beside supervisord's":    "LOGS/app.log LOGS/own.log {\n}\n",
		"by a pattern":            "LOGS/*.log {\n}\n",
		"beside cron's":           "LOGS/../crond.log LOGS/own.log {\n}\n",
		"in the order of an heir": "LOGS/own.log LOGS/../backup.log LOGS/app.log {\n    rotate 5\n}\n",
	} {
		for kind, global := range map[string]string{
			"as shipped": "", "an old one": "compress\ncopytruncate\ndaily\nnomail\nrotate 2\n\ninclude ${IMAGE_LOGGING_DIR}/logrotate.d\n",
		} {
			t.Run(name+", "+kind, func(t *testing.T) {
				files := map[string]string{"app.conf": appWithLog, "app": block}
				if global != "" {
					files["logrotate-global.conf"] = global
				}
				tree := rotation(t, files)
				testenv.Write(t, tree.Path("tmp/supervisord.pid"), strconv.Itoa(os.Getpid()), 0o644)
				logs := map[string]*os.File{}
				for _, log := range []string{"supervisor/own.log", "supervisor/app.log", "crond.log", "backup.log"} {
					logs[log] = openLog(t, tree.Path("storage/logs", log))
				}
				warnings(t, tree)
				c := load(t, tree)
				own, app := tree.Path("storage/logs/supervisor/own.log"), tree.Path("storage/logs/supervisor/app.log")
				isRotated := strings.Contains(block, "app.log") || strings.Contains(block, "*")
				for n := range 3 {
					for log, f := range logs {
						if _, err := os.Stat(f.Name()); err != nil { // supervisord and cron open theirs anew
							logs[log] = openLog(t, f.Name())
						}
						fmt.Fprintln(logs[log], n)
					}
					if n == 2 {
						break
					}
					logrotate(t, c, "-f")
					if _, err := os.Stat(app); isRotated && err == nil {
						t.Error("supervisord's log was copied, not renamed")
					}
				}
				if got := testenv.Read(t, own); got != "2\n" {
					t.Errorf("the file of that name holds %q", got)
				}
				want := []string{"own.log", "own.log.1.gz", "own.log.2.gz", "../crond.log.1", "../crond.log.2.gz", "../backup.log.1", "../backup.log.2.gz"}
				if isRotated {
					want = append(want, "app.log", "app.log.1", "app.log.2.gz")
				}
				for _, name := range want {
					if _, err := os.Stat(filepath.Join(filepath.Dir(own), name)); err != nil {
						t.Errorf("%v among %q", err, testenv.Names(t, filepath.Dir(own)))
					}
				}
			})
		}
	}
}

// openLog opens a log as a program does that keeps it open.
func openLog(t *testing.T, path string) *os.File {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}
