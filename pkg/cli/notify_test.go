package cli

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/test/testenv"
)

// keeps adds a script that keeps the events that it gets.
func (c *container) keeps() {
	c.t.Helper()
	testenv.Script(c.t, c.Path("image/notify.d/keep.sh"), `cat >>"$STORAGE_BASE_DIR/told"`)
}

// told waits until an event was told that has all of these texts.
func (c *container) told(texts ...string) {
	c.t.Helper()
	testenv.WaitFor(c.t, "an event is told with "+strings.Join(texts, ", "), func() bool {
		for line := range strings.Lines(testenv.ReadIfThere(c.t, c.Path("storage/told"))) {
			has := 0
			for _, text := range texts {
				if strings.Contains(line, text) {
					has++
				}
			}
			if has == len(texts) {
				return true
			}
		}
		return false
	})
}

func TestNotifications(t *testing.T) {
	c := newContainer(t, "APP_NAME=hello", "DB_PASSWORD=hunter2", "IMAGE_HEALTH_CRASHES=3/1h", "IMAGE_HEALTH_LIVENESS_CHECK_ENABLED=false")
	c.keeps()
	c.program("app", sleeper)
	c.program("failing", "command = /bin/false", "startsecs = 1", "startretries = 0", "autostart = false")
	c.looping("loops", "exit 3")
	testenv.Script(t, c.Path("image/health/readiness.probes.d/check-app.sh"), "[ ! -e $STORAGE_BASE_DIR/sick ]")
	testenv.Script(t, c.Path("image/backup/scripts/50-sick.sh"), `[ ! -e $STORAGE_BASE_DIR/sick ] || { echo "the password is $DB_PASSWORD"; exit 5; }`)
	testenv.Script(t, c.Path("image/setup/run.always/10-jobs.sh"), `printf '%s\n' '# name: report' '@reboot exit 7' '# name: fine' '@reboot :' >>$IMAGE_CRON_DIR/kubernetes`)
	c.start()
	c.waitState("app", "RUNNING")
	c.told(`"kind":"job-failed"`, `"job":"report"`, `"what":"report failed: exit status 7"`, `"labels":{"APP_NAME":"hello"}`)
	c.told(`"kind":"program-loops"`, `"program":"loops"`, "loops loops: it exited 3 and has ended unexpectedly 3 times in 1h0m0s")
	c.want(0, "", "stop", "loops")
	c.want(1, "failing does not start", "start", "failing")
	c.told(`"kind":"program-fatal"`, `"program":"failing"`, "failing is FATAL: supervisord has given up starting it, it exited 1 before its startsecs")

	c.want(0, "", "backup")
	c.want(0, "", "restore", "--force")
	c.told(`"kind":"restore-done"`, `"what":"restored backup-`)
	testenv.Write(t, c.Path("storage/sick"), "", 0o644)
	c.want(1, "ended with exit status 5", "backup")
	c.told(`"kind":"backup-failed"`, "the backup failed: ", "50-sick.sh ended with exit status 5")
	c.age("app")
	c.exec("check-readiness")
	c.told(`"kind":"program-restarted"`, `"program":"app"`, "restarted app: check-app.sh of the readiness check failed: ended with exit status 1")

	said := testenv.Read(t, c.Path("storage/told"))
	if strings.Contains(said, "hunter2") || strings.Contains(said, "the password") || strings.Contains(said, `"fine"`) {
		t.Errorf("told\n%s", said)
	}
	testenv.WaitFor(t, "nothing waits", func() bool { return !hasEvents(c) })
	c.want(0, "keep.sh (", "notify", "--test")
	c.told(`"kind":"test"`)
	c.want(2, "notify --test sends one now", "notify")
}

func hasEvents(c *container) bool {
	for _, name := range testenv.Names(c.t, c.Path("run/notify")) {
		if strings.HasSuffix(name, ".json") {
			return true
		}
	}
	return false
}

// A listener or a worker that is killed leaves the event to the next one.
func TestNotificationsAndKills(t *testing.T) {
	c := newContainer(t, "IMAGE_CRON_ENABLED=false")
	testenv.Script(t, c.Path("image/notify.d/keep.sh"), `[ -e "$STORAGE_BASE_DIR/well" ] || { echo $PPID >"$STORAGE_BASE_DIR/worker"; exec sleep 1000; }; cat >>"$STORAGE_BASE_DIR/told"`)
	c.program("failing", "command = /bin/false", "startsecs = 1", "startretries = 0", "autostart = false")
	c.start()
	c.waitState("health", "RUNNING")
	c.want(1, "failing does not start", "start", "failing")
	var worker int
	testenv.WaitFor(t, "a worker is at it", func() bool {
		worker = number(testenv.ReadIfThere(t, c.Path("storage/worker")))
		return worker > 0
	})
	testenv.Write(t, c.Path("storage/well"), "", 0o644)
	_ = unix.Kill(c.process("health").Pid, unix.SIGKILL)
	_ = unix.Kill(worker, unix.SIGKILL)
	c.told(`"kind":"program-fatal"`, `"program":"failing"`)
	// A hanging script does not hold the container's stop up, and the script of the
	// killed worker ends with it.
	c.life.Stop()
}

// What no script has taken is told again, as soon as it is due.
func TestNotificationToldAgain(t *testing.T) {
	c := newContainer(t, "IMAGE_CRON_ENABLED=false")
	testenv.Script(t, c.Path("image/notify.d/keep.sh"), `[ -e "$STORAGE_BASE_DIR/well" ] && exec cat >>"$STORAGE_BASE_DIR/told"`)
	c.program("app", sleeper)
	c.program("failing", "command = /bin/false", "startsecs = 1", "startretries = 0", "autostart = false")
	c.start()
	c.waitState("health", "RUNNING")
	c.want(1, "failing does not start", "start", "failing")
	c.life.Says("nobody has been told that failing is FATAL")
	testenv.WaitFor(t, "nothing waits to be told now", func() bool { return !hasEvents(c) })
	testenv.Write(t, c.Path("storage/well"), "", 0o644)
	postponed, _ := filepath.Glob(c.Path("run/notify/*.again"))
	for _, path := range postponed {
		before := time.Now().Add(-time.Hour)
		_ = os.Chtimes(path, before, before) // on a slow machine it may be due already
	}
	c.want(0, "", "restart", "app") // an event, with which the listener looks
	c.told(`"kind":"program-fatal"`, `"program":"failing"`)
}

func number(text string) (n int) {
	for _, c := range strings.TrimSpace(text) {
		n = 10*n + int(c-'0')
	}
	return n
}

// Nothing is written, and nobody watches, where there is nobody to tell.
func TestNoNotifications(t *testing.T) {
	c := newContainer(t, "IMAGE_CRON_ENABLED=false")
	c.start()
	c.waitState("health", "RUNNING")
	c.want(1, "nobody is notified: "+c.Path("image/notify.d")+" has no script of yours, and IMAGE_NOTIFY_URL is empty", "notify", "--test")
	if testenv.Exists(c.Path("run/notify")) {
		t.Error("there is a spool")
	}
}

// The end of a container that is beyond help is told before it ends, once.
func TestLastNotification(t *testing.T) {
	for _, test := range []struct{ script, want string }{
		{`cat >>"$STORAGE_BASE_DIR/told"`, ""},
		{`exec sleep 1000`, "nobody is notified that app is FATAL: "},
	} {
		t.Run(test.script, func(t *testing.T) {
			c := newContainer(t, "IMAGE_CRON_ENABLED=false", "IMAGE_ESSENTIAL_PROGRAMS=app")
			testenv.Script(t, c.Path("image/notify.d/tell.sh"), test.script)
			c.program("app", "command = /bin/false", "startsecs = 1", "startretries = 0")
			c.start()
			if test.want != "" {
				c.life.Says(test.want)
				return
			}
			c.told(`"kind":"container-ends"`, "app is FATAL: ", ": the container ends with status 10")
		})
	}
}

// asked is a server that keeps the paths that it was asked for.
func asked(t *testing.T, status int) (url string, paths func() string) {
	t.Helper()
	var mu sync.Mutex
	var got []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		got = append(got, r.Method+" "+r.URL.Path)
		w.WriteHeader(status)
	}))
	t.Cleanup(s.Close)
	return s.URL, func() string {
		mu.Lock()
		defer mu.Unlock()
		return strings.Join(got, ", ")
	}
}

func TestWebhookFile(t *testing.T) {
	url, posted := asked(t, 200)
	file := filepath.Join(t.TempDir(), "url")
	testenv.Write(t, file, url+"/secret-token\n", 0o400)
	c := newContainer(t, "IMAGE_CRON_ENABLED=false", "FILE__IMAGE_NOTIFY_URL="+file)
	c.program("failing", "command = /bin/false", "startsecs = 1", "startretries = 0")
	c.start()
	testenv.WaitFor(t, "it is posted", func() bool { return posted() == "POST /secret-token" })
	c.want(0, "webhook.py (", "notify", "--test")
	if strings.Contains(c.life.Output.String()+c.listener(), "secret-token") {
		t.Error("the log shows the address")
	}
	if n := strings.Count(posted(), "POST /secret-token"); n != 2 {
		t.Errorf("posted %s", posted())
	}
}

func TestWebhookThatIsRefused(t *testing.T) {
	url, _ := asked(t, 403)
	c := newContainer(t, "IMAGE_CRON_ENABLED=false", "IMAGE_NOTIFY_URL="+url+"/secret-token")
	c.start()
	c.waitState("health", "RUNNING")
	c.want(1, "webhook.py (", "notify", "--test")
	c.want(1, "): failed: IMAGE_NOTIFY_URL: "+url+": status 403 Forbidden\n", "notify", "--test")
}

func TestBackupPing(t *testing.T) {
	url, paths := asked(t, 200)
	c := newContainer(t, "IMAGE_CRON_ENABLED=false", "IMAGE_BACKUP_PING_URL="+url+"/uuid")
	testenv.Script(t, c.Path("image/backup/scripts/50-sick.sh"), `[ ! -e $STORAGE_BASE_DIR/sick ]`)
	c.start()
	c.waitState("health", "RUNNING")
	c.want(0, "", "backup")
	if got := paths(); got != "GET /uuid/start, GET /uuid/0" {
		t.Errorf("asked %s", got)
	}
	testenv.Write(t, c.Path("storage/sick"), "", 0o644)
	c.want(1, "", "backup")
	if got := paths(); !strings.HasSuffix(got, ", GET /uuid/start, GET /uuid/1") {
		t.Errorf("asked %s", got)
	}
	c.want(0, "", "backup", "--dry-run")
	if got := paths(); strings.Count(got, "start") != 2 {
		t.Errorf("asked %s", got)
	}
}

// A switch that does not answer fails no backup.
func TestBackupPingThatFails(t *testing.T) {
	url, _ := asked(t, 404)
	c := newContainer(t, "IMAGE_CRON_ENABLED=false", "IMAGE_BACKUP_PING_URL="+url+"/secret-token")
	c.start()
	c.waitState("health", "RUNNING")
	code, said := c.exec("backup")
	if code != 0 || strings.Count(said, "IMAGE_BACKUP_PING_URL: "+url+": status 404 Not Found") != 2 || strings.Contains(said, "secret-token") {
		t.Errorf("exit code %d, it said\n%s", code, said)
	}
}

func TestCronPings(t *testing.T) {
	binary, dir := buildBinary(t), t.TempDir()
	url, paths := asked(t, 200)
	tab, logfile := dir+"/tab", dir+"/crond.log"
	writeFile(t, tab, "PING_URL=secret-token\n@reboot :\nPING_URL="+url+"/a\n@reboot exit 3\nPING_URL=\n@reboot exit 4\nPING_URL=http://127.0.0.1:1/secret-token\n@reboot exit 5\n")
	cmd := cronCmd(binary, dir, "-c", tab, "-L", logfile)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	testenv.WaitFor(t, "the job is told of", func() bool { return paths() == "GET /a/start, GET /a/3" })
	waitForLine(t, logfile, `\ttab:8 end: exit status 5`)
	waitForLine(t, logfile, `\tWARN\ttab:8 PING_URL: http://127.0.0.1:1: connection refused \(3 tries\)$`)
	waitForLine(t, logfile, `\ttab:6 end: exit status 4`)
	waitForLine(t, logfile, `\tERROR\tcron `+tab+`:1: PING_URL: expected a URL such as https://example.org/path: left out$`)
	if said := testenv.Read(t, logfile); strings.Contains(said, "secret-token") {
		t.Errorf("the log shows an address:\n%s", said)
	}
}

// A shutdown makes programs FATAL that supervisord was about to start again. Nobody is told
// of that, neither then nor in the next life.
func TestShutdownIsNoEvent(t *testing.T) {
	c := newContainer(t, "IMAGE_CRON_ENABLED=false")
	c.keeps()
	c.program("app", "command = /bin/false", "startsecs = 1", "startretries = 1000")
	// Stopped behind the app, and before the listener, it gives that the time to hear of it.
	testenv.Script(t, c.Path("image/app/slow.sh"), `trap 'until grep -qE "FATAL|STOPPED" "$PROCESS_STATE_DIR/supervisor.app.state"; do sleep 0.05; done; exit 0' TERM
while :; do sleep 0.05; done`)
	c.program("slow", "command = %(ENV_IMAGE_APP_DIR)s/slow.sh", "priority = 10", "stopwaitsecs = 100")
	// A shutdown makes FATAL what is in BACKOFF, unless that is just being started again.
	for tries := 1; ; tries++ {
		c.start()
		c.waitState("health", "RUNNING") // before that, it is told nothing
		c.waitState("slow", "RUNNING")
		c.waitState("app", "BACKOFF")
		c.life.Stop()
		state := testenv.Read(t, c.Path("tmp/supervisor.app.state"))
		if state == "FATAL" {
			break
		}
		if tries == 50 {
			t.Fatalf("%d shutdowns have left the program %s", tries, state)
		}
	}
	c.start()
	c.waitState("health", "RUNNING")
	c.want(0, "keep.sh (", "notify", "--test")
	testenv.WaitFor(t, "nothing waits", func() bool { return !hasEvents(c) })
	if said := testenv.Read(t, c.Path("storage/told")); strings.Contains(said, "fatal") {
		t.Errorf("told\n%s", said)
	}
}
