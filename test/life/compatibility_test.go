package life

import (
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

// What happens to a file that a child image has put in the place of one of ours. The
// table of doc/compatibility.md says it in these words.
const (
	runs    = "runs in the place of ours"
	renders = "is rendered in the place of ours"
	adds    = "its lines are added to the crontab"
	yields  = "is replaced by the saved environment on every start"
	ignored = "has no effect"
)

// script returns a script in the style of the Python version's. It notes that it ran.
func script(name, then string) string {
	return "#!/bin/sh\necho " + name + ` >>"$STORAGE_BASE_DIR/ran"` + "\n" + then + "\n"
}

// listener is an event listener that only notes that it ran.
const listener = `#!/usr/bin/python3
import os, sys
open(os.environ["STORAGE_BASE_DIR"] + "/ran", "a").write("image/supervisord/eventlistener.py\n")
while True:
    print("READY", flush=True)
    header = dict(word.split(":") for word in sys.stdin.readline().split())
    sys.stdin.read(int(header["len"]))
    print("RESULT 2\nOK", end="", flush=True)
`

// replacements are files of a child image in the style of the Python version, by their
// path below the root.
func replacements() map[string]string {
	files := map[string]string{
		"image/config/env":                          "OLD=token\n",
		"image/cron/kubernetes":                     "30 3 * * * echo token\n",
		"image/cron/cron.py":                        script("image/cron/cron.py", "exec sleep 1000"),
		"image/supervisord/eventlistener.py":        listener,
		"image/supervisord/conf.d/00-crond.conf":    "[program:crond]\ncommand = %(ENV_IMAGE_CRON_DIR)s/cron.py -c %(ENV_IMAGE_CRON_DIR)s/kubernetes -C\nautostart = false\nenvironment = OLD=\"token\"\n",
		"image/supervisord/conf.d/01-filebeat.conf": "[program:filebeat]\ncommand = filebeat -c %(ENV_IMAGE_LOGGING_DIR)s/filebeat-global.yml\nautostart = false\nenvironment = OLD=\"token\"\n",
		"image/supervisord/global.conf": `[unix_http_server]
file = %(ENV_IMAGE_SUPERVISOR_SOCKET)s
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl = unix://%(ENV_IMAGE_SUPERVISOR_SOCKET)s
[supervisord]
pidfile = %(ENV_IMAGE_SUPERVISOR_PIDFILE)s
logfile = %(ENV_SUPERVISOR_LOGS_DIR)s/supervisord.log
environment = OLD="token"
[eventlistener:health]
command = %(ENV_IMAGE_SUPERVISOR_DIR)s/eventlistener.py %(ENV_PROCESS_PID_DIR)s %(ENV_PROCESS_STATE_DIR)s
events = PROCESS_STATE
stdout_logfile = NONE
stderr_logfile = NONE
[include]
files = %(ENV_IMAGE_SUPERVISOR_DIR)s/conf.d/*.conf
`,
		"image/logging/filebeat-global.yml":   "name: token\nfilebeat.config.inputs:\n  enabled: true\n  path: ${IMAGE_LOGGING_DIR}/filebeat.d/*.yml\noutput.redis:\n  hosts: [\"${LOGGING_REDIS_HOST}\"]\n",
		"image/logging/logrotate-global.conf": "# token\ncopytruncate\ninclude ${IMAGE_LOGGING_DIR}/logrotate.d\n",
		"image/utils.py":                      "import os\nopen(os.environ['STORAGE_BASE_DIR'] + '/ran', 'a').write('image/utils.py\\n')\n",
	}
	for _, name := range []string{"backup", "crond", "supervisor"} {
		files["image/logging/filebeat.d/filebeat-"+name+".yml"] = "- type: filestream\n  id: old-" + name + "\n  paths: [\"/token/*.log\"]\n"
		files["image/logging/logrotate.d/logrotate-"+name+".conf"] = "${STORAGE_LOGS_DIR}/token-" + name + ".log {\n  missingok\n}\n"
	}
	for _, path := range []string{
		"backup/backup.py", "backup/scripts/backup-logs.py", "restore/restore.py", "restore/scripts/restore-logs.py",
		"health/check-liveness.py", "health/check-readiness.py", "health/liveness.probes.d/check-base.py",
		"setup/run.always/00-configure-environment.py", "setup/run.always/01-configure-backup.py", "setup/run.always/02-configure-cron.py",
		"setup/run.always/03-configure-health.py", "setup/run.always/04-configure-filebeat.py", "setup/run.always/05-configure-logrotate.py",
		"setup/run.once/00-create-storage-dirs.py",
	} {
		files["image/"+path] = script("image/"+path, "")
	}
	return files
}

// observe starts a container on a volume that has a backup, does what cron would do, and
// says what has become of each of its files.
func observe(t *testing.T, uid int, files map[string]string, readOnly bool) map[string]string {
	t.Helper()
	c := testenv.NewContainer(t, uid, files, "IMAGE_HEALTH_LIVENESS_CHECK_ENABLED=1", "IMAGE_CRON_ENABLED=1")
	if shipping := func(path string) bool { return strings.Contains(path, "filebeat") }; slices.ContainsFunc(slices.Collect(maps.Keys(files)), shipping) {
		testenv.Script(t, c.Path("bin/filebeat"), "exec sleep 1000") // what it would ship to is not there
		c.Setenv("PATH="+c.Path("bin")+":"+c.Getenv("PATH"), "LOGGING_REDIS_HOST=127.0.0.1:1")
	}
	archive(t, c, uid)
	if readOnly {
		testenv.Chown(t, c.Path("image"), 0)
		for dir := range parents(files) {
			testenv.Chmod(t, c.Path(dir), 0o555)
		}
	}
	l := c.Start()
	defer l.Stop()
	crontab := testenv.Read(t, c.Path("run/cron/kubernetes"))
	jobs := crontab
	if files["image/setup/run.always/01-configure-backup.py"] != "" && files["image/setup/run.always/03-configure-health.py"] != "" {
		// The steps in the place of ours schedule nothing, so these jobs are ours.
		for _, entry := range []string{"backup/backup.py", "health/check-liveness.py", "health/check-readiness.py"} {
			jobs += "0 0 * * * " + c.Path("image", entry) + "\n"
		}
	}
	for line := range strings.Lines(jobs) {
		if fields := strings.SplitN(strings.TrimSpace(line), " ", 6); len(fields) == 6 && line[0] != '#' {
			_ = c.Command("/bin/sh", "-c", fields[5]).Run() // what a replaced job ends with is its own affair
		}
	}
	out, err := c.Command("/usr/bin/python3", "-c", "import os, sys; sys.path.insert(0, os.environ['IMAGE_BASE_DIR']); import utils").CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	// supervisord starts these by itself.
	for _, program := range []string{"image/cron/cron.py", "image/supervisord/eventlistener.py"} {
		if files[program] != "" {
			testenv.WaitFor(t, program+" has run", func() bool { return strings.Contains(testenv.ReadIfThere(t, c.Path("storage/ran")), program) })
		}
	}
	seen := map[string]string{}
	for path, text := range files {
		seen[path] = effect(t, c, path, text, crontab)
	}
	return seen
}

func effect(t *testing.T, c *testenv.Container, path, text, crontab string) string {
	t.Helper()
	rendered := strings.NewReplacer("image/supervisord", "run/supervisord", "image/logging", "run/logging").Replace(path)
	info, err := os.Lstat(c.Path(path))
	switch {
	case strings.Contains("\n"+testenv.ReadIfThere(t, c.Path("storage/ran")), "\n"+path+"\n"):
		return runs
	case rendered != path && strings.Contains(testenv.ReadIfThere(t, c.Path(rendered)), "token"):
		return renders
	case path == "image/cron/kubernetes" && strings.Count(crontab, text) == 1:
		return adds
	case err == nil && info.Mode().Type() == fs.ModeSymlink:
		return yields
	}
	return ignored
}

// archive puts a backup on the volume, as tar makes it.
func archive(t *testing.T, c *testenv.Container, uid int) {
	t.Helper()
	testenv.Write(t, c.Path("staged/logs/app.log"), "a line\n", 0o644)
	testenv.Mkdir(t, c.Path("storage/backup"))
	cmd := exec.Command("tar", "-C", c.Path("staged"), "-czf", "./backup-2026-01-02_03:04:05.tar.gz", "logs")
	cmd.Dir = c.Path("storage/backup")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	testenv.Chown(t, c.Path("storage"), uid)
}

// parents returns the directories that files lie in.
func parents(files map[string]string) map[string]bool {
	dirs := map[string]bool{}
	for path := range files {
		dirs[filepath.Dir(path)] = true
	}
	return dirs
}

// documented returns the table of doc/compatibility.md: what happens, by path.
func documented(t *testing.T) map[string]string {
	t.Helper()
	row := regexp.MustCompile("(?m)^\\| `/(image/[^`]+)` \\|[^|]+\\| ([^|]+?) \\|$")
	table := map[string]string{}
	for _, m := range row.FindAllStringSubmatch(testenv.Read(t, "../../doc/compatibility.md"), -1) {
		table[m[1]] = m[2]
	}
	return table
}

// TestCompatibility lays files of old over the tree, each alone and all together, and
// holds doc/compatibility.md against what comes of it.
func TestCompatibility(t *testing.T) {
	all, table := replacements(), documented(t)
	for path := range all {
		if table[path] == "" {
			t.Errorf("/%s is not in the table", path)
		}
	}
	for path := range table {
		if all[path] == "" {
			t.Errorf("/%s is in the table, and not tried here", path)
		}
	}
	check := func(t *testing.T, uid int, files map[string]string, readOnly bool, except ...string) {
		t.Helper()
		for path, got := range observe(t, uid, files, readOnly) {
			if !slices.Contains(except, path) && got != table[path] {
				t.Errorf("/%s: %q, want %q", path, got, table[path])
			}
		}
	}
	// Our entry points would call these, and are replaced themselves.
	uncalled := []string{"image/backup/scripts/backup-logs.py", "image/restore/scripts/restore-logs.py", "image/health/liveness.probes.d/check-base.py"}
	for user, uid := range testenv.Users {
		t.Run(user, func(t *testing.T) {
			t.Parallel()
			check(t, uid, all, false, uncalled...)
			for path, text := range all {
				check(t, uid, map[string]string{path: text}, false)
			}
		})
	}
	t.Run("read-only", func(t *testing.T) {
		t.Parallel()
		check(t, 500, all, true, append(slices.Clip(uncalled), "image/config/env")...) // that stays as it is, with a warning
	})
}
