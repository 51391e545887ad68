package containers

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/internal/containertest"
	"github.com/ZPascal/container-manager/test/testenv"
)

// TestSingleFilesOverTheTree lays single files over those of an image, as a ConfigMap
// with subPath does: root's, read-only, mount points that nobody can chmod or rename.
func TestSingleFilesOverTheTree(t *testing.T) {
	p := containertest.New(t)
	image := p.Build(t, "testdata/links")
	dir := testenv.Dir(t)
	testenv.Chmod(t, dir, 0o755)
	var flags []string
	for path, text := range map[string]string{
		"supervisord/conf.d/app.conf":              "[program:app]\ncommand = sleep 2000000\nstdout_logfile = %(ENV_SUPERVISOR_LOGS_DIR)s/app.log\n",
		"supervisord/conf.d/other.conf":            "[program:other]\ncommand = sleep 3000000\nstdout_logfile = %(ENV_SUPERVISOR_LOGS_DIR)s/other.log\n",
		"logging/logrotate.d/logrotate-crond.conf": "\"${STORAGE_LOGS_DIR}/crond.log\" {\n    rotate 9\n}\n",
		"cron/kubernetes.own":                      "31 3 * * * echo mounted\n",
		"templates/motd":                           "data is in ${STORAGE_DATA_DIR}\n",
		"config/app.ini":                           "level = 1\n",
	} {
		from := filepath.Join(dir, path)
		testenv.Write(t, from, text, 0o644)
		flags = append(flags, "--volume="+from+":/image/"+path+":ro")
	}
	forEachKind(t, func(t *testing.T, o containertest.Options) {
		o.Flags = flags
		c := p.Run(t, image, o)
		for range 2 { // starts
			c.WaitUp(t)
			if strings.Contains(c.Log(), "WARN") {
				t.Errorf("it warns:\n%s", c.Log())
			}
			for command, want := range map[string]string{
				`stat -c "%u %a" /image/supervisord/conf.d/app.conf /image/config/app.ini`:                                      "0 644\n0 644\n",
				"grep -c . /image/config/app.ini":                                                                               "1\n",
				"cat /tmp/container-manager/templates/motd":                                                                     "data is in /storage/data\n",
				"grep -ch 'rotate 9' /tmp/container-manager/logging/logrotate.d/logrotate-crond.conf":                           "1\n",
				"grep -cx '31 3 \\* \\* \\* echo mounted' /image/cron/kubernetes":                                               "1\n",
				"container-manager status | grep -cE '^(app|other) +RUNNING'":                                                   "2\n",
				"tr '\\0' ' ' </proc/$(cat /tmp/supervisor.app.pid)/cmdline":                                                    "sleep 2000000 ",
				"container-manager validate >/dev/null && container-manager check-readiness && container-manager render --diff": "",
			} {
				if got := c.Exec(t, "sh", "-c", command); got != want {
					t.Errorf("%s: %q, want %q", command, got, want)
				}
			}
			c.Stop(t)
			c.Start(t)
		}
		c.WaitUp(t)
		c.Stop(t)
	})
}
