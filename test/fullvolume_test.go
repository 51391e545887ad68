package test

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
	for name, uid := range users {
		t.Run(name, func(t *testing.T) {
			testenv.Isolated(t, func(t *testing.T, _ string) {
				c := newContainer(t, openBinary(t), uid, map[string]string{
					"image/supervisord/conf.d/app.conf": pacedConf("stdout_logfile_maxbytes = 200KB\nstdout_logfile_backups = 1\n"),
					"storage/logs/supervisor/below":     "", // the volume
					"image/app/app.sh":                  "i=0\nwhile :; do seq $((i * 200 + 1)) $((i * 200 + 200)); i=$((i + 1)); sleep 0.02; done\n",
				})
				c.env = append(c.env, "IMAGE_LOG_STDOUT=true")
				logs := c.path("storage/logs/supervisor")
				testenv.Mount(t, "tmpfs", logs, "tmpfs", 0, "size=256k,mode=0777")
				filler := logs + "/filler"
				testenv.Write(t, filler, strings.Repeat("x", 100<<10), 0o644)
				h := c.hear(t)
				l := c.start(t)
				waitFor(t, "a full volume", l.output.String, func() bool {
					var fs unix.Statfs_t
					return unix.Statfs(logs, &fs) == nil && fs.Bfree == 0
				})
				last := h.latest()
				for _, program := range []string{"app", "stdout-log"} {
					if state := read(t, c.path("process/supervisor."+program+".state")); state != "RUNNING" {
						t.Errorf("%s is %s", program, state)
					}
				}
				if err := os.Remove(filler); err != nil && !errors.Is(err, os.ErrNotExist) {
					t.Fatal(err)
				}
				waitFor(t, "more lines", l.output.String, func() bool { return h.reached(last + 5000) })
				l.signal(unix.SIGTERM)
				if status := l.end(); status != 0 {
					t.Errorf("exit status %d", status)
				}
			})
		})
	}
}
