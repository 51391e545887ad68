package logs

import (
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/test/testenv"
)

// TestFullLogVolume fills the volume that programs log to: they and supervisord
// go on, and what is logged once there is room again comes out.
func TestFullLogVolume(t *testing.T) {
	for name, uid := range testenv.Users {
		t.Run(name, func(t *testing.T) {
			testenv.Isolated(t, func(t *testing.T, _ string) {
				c := testenv.NewContainer(t, uid, map[string]string{
					"image/supervisord/conf.d/app.conf": pacedConf("stdout_logfile_maxbytes = 200KB\nstdout_logfile_backups = 1\n"),
					"storage/logs/supervisor/below":     "", // the volume
					"image/app/app.sh":                  "i=0\nwhile :; do seq $((i * 200 + 1)) $((i * 200 + 200)); i=$((i + 1)); sleep 0.02; done\n",
				})
				c.Setenv("IMAGE_LOG_STDOUT=true")
				logs := c.Path("storage/logs/supervisor")
				testenv.Mount(t, "tmpfs", logs, "tmpfs", 0, "size=256k,mode=0777")
				filler := logs + "/filler"
				testenv.Write(t, filler, strings.Repeat("x", 100<<10), 0o644)
				h := hear(t, c)
				l := c.Run()
				testenv.WaitFor(t, "a full volume", func() bool {
					var fs unix.Statfs_t
					return unix.Statfs(logs, &fs) == nil && fs.Bfree == 0
				})
				last := h.latest()
				for _, program := range []string{"app", "stdout-log"} {
					if state := testenv.ReadIfThere(t, c.Path("tmp/supervisor."+program+".state")); state != "RUNNING" {
						t.Errorf("%s is %s", program, state)
					}
				}
				if err := os.Remove(filler); err != nil && !errors.Is(err, os.ErrNotExist) {
					t.Fatal(err)
				}
				testenv.WaitFor(t, "more lines", func() bool { return h.reached(last + 5000) })
				l.Signal(unix.SIGTERM)
				if status := l.End(); status != 0 {
					t.Errorf("exit status %d", status)
				}
			})
		})
	}
}
