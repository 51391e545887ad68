package cli

import (
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

func TestStayingCommand(t *testing.T) {
	for line, want := range map[string]string{
		"container-manager eventlistener /tmp /tmp":                      "eventlistener",
		"/usr/bin/container-manager script /image/cron/cron.py -c x":     "cron",
		"container-manager script /image/supervisord/eventlistener.py a": "eventlistener",
		"container-manager stdout-log":                                   "stdout-log",
		"container-manager script /image/backup/backup.py":               "",
		"container-manager run":                                          "", "container-manager script": "", "container-manager": "",
	} {
		if got := stayingCommand(strings.Fields(line)); got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

func TestLogLevel(t *testing.T) {
	testenv.NotQuick(t)
	c := newContainer(t, "IMAGE_CRON_ENABLED=true", "IMAGE_HEALTH_CRON=0 0 1 1 *", "IMAGE_BACKUP_ENABLED=false", "IMAGE_LOGROTATE_CRON=0 0 1 1 *")
	c.want(1, "cannot change the level: ", "log-level", "debug")
	c.want(0, "info (IMAGE_LOG_LEVEL)\n", "log-level")
	c.program("app", sleeper)
	c.start()
	c.waitState("app", "RUNNING")
	c.waitState("crond", "RUNNING")
	listener, crond := c.Path("storage/logs/supervisor/health_stderr.log"), c.Path("storage/logs/crond.log")
	testenv.WaitFor(t, "crond logs", func() bool { return strings.Contains(testenv.ReadIfThere(t, crond), "\tINFO\t") })
	c.want(0, "info (IMAGE_LOG_LEVEL)\n", "log-level")

	// They follow, without being started again.
	pid := c.process("crond").Pid
	code, said := c.exec("log-level", "debug")
	if code != 0 || strings.Count(said, " follows\n") != 2 || !strings.Contains(said, "cron (process ") || !strings.Contains(said, "eventlistener (process ") {
		t.Errorf("exit code %d, it said\n%s", code, said)
	}
	c.want(0, "debug, in place of info (IMAGE_LOG_LEVEL)\n", "log-level")
	testenv.WaitFor(t, "the event listener logs debug lines", func() bool {
		c.want(0, "", "restart", "app")
		return strings.Contains(testenv.ReadIfThere(t, listener), "DEBUG\teventlistener app is RUNNING, and was STARTING")
	})
	// What begins later follows too.
	c.want(0, "", "restart", "health:health")
	before := testenv.ReadIfThere(t, listener)
	testenv.WaitFor(t, "a new event listener logs debug lines", func() bool {
		c.want(0, "", "restart", "app")
		return strings.Contains(strings.TrimPrefix(testenv.ReadIfThere(t, listener), before), "app is RUNNING, and was STARTING")
	})
	c.want(0, " follows\n", "log-level", "error")
	lines := strings.Count(testenv.ReadIfThere(t, crond), "\n")
	link := c.Path("run/cron/kubernetes")
	testenv.Write(t, link, testenv.Read(t, link)+"61 * * * * bad\n", 0o644)
	testenv.WaitFor(t, "crond reads the crontab again", func() bool { return strings.Contains(testenv.Read(t, crond), "\tERROR\tcron") })
	if text := testenv.Read(t, crond); strings.Count(text, "\tINFO\t") != lines {
		t.Errorf("of INFO there is more than the first %d lines:\n%s", lines, text)
	}
	if now := c.process("crond").Pid; now != pid {
		t.Errorf("crond is process %d, and was %d", now, pid)
	}
	c.want(0, " follows\n", "log-level", "default")
	c.want(0, "info (IMAGE_LOG_LEVEL)\n", "log-level")
	c.want(2, `"loud" is no level: expected one of debug, info, warn, error or default`, "log-level", "loud")
	c.want(2, `"debug now" is no level`, "log-level", "debug", "now")
}
