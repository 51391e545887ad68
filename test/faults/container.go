package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/ZPascal/container-manager/pkg/proc"
	"github.com/ZPascal/container-manager/test/testenv"
)

// container is an image tree and its environment; while it lives, a process tree.
type container struct {
	testenv.Tree        // its image, run and tmp
	name         string // a or b
	world        *world
	environ      []string
	output       string // the file of its standard output

	first *exec.Cmd
	ended chan struct{}
	ns    string // its pid namespace, as /proc names it
}

const appConf = `[program:app]
command = %(ENV_FAULTS)s app %(ENV_APP_SOCKET)s
startretries = 100
autorestart = true
redirect_stderr = true
stdout_logfile = %(ENV_STORAGE_LOGS_DIR)s/app/app.log
stdout_logfile_maxbytes = 20KB
stdout_logfile_backups = 20
`

// files are what a child image adds. The last script of a restore fails when it is
// asked to, which takes the restore back.
var files = map[string]string{
	"supervisord/conf.d/app.conf":            appConf,
	"logging/filebeat.d/app.yml":             appInput,
	"health/readiness.probes.d/check-app.sh": "#!/bin/sh\nexec \"$FAULTS\" probe \"$APP_SOCKET\"\n",
	"setup/run.once/10-count.sh":             "#!/bin/sh\necho begun >>\"$STORAGE_BASE_DIR/once\" && mkdir -p \"$APP_DATA\" && echo done >>\"$STORAGE_BASE_DIR/once\"\n",
	"setup/run.always/10-slow.sh":            "#!/bin/sh\nmkdir -p \"$STORAGE_LOGS_DIR/app\" && sleep 0.05\n",
	"restore/scripts/fail.sh":                "#!/bin/sh\n[ ! -e \"$APP_SOCKET.fail\" ]\n",
}

func (w *world) newContainer(name string) (*container, error) {
	c := &container{Tree: testenv.Tree{Root: filepath.Join(w.dir, name)}, name: name, world: w}
	c.output = c.Path("output")
	root, err := testenv.Repository()
	if err != nil {
		return nil, err
	}
	if err := os.CopyFS(c.Path("image"), os.DirFS(filepath.Join(root, "files", "image"))); err != nil {
		return nil, err
	}
	for path, content := range files {
		path = c.Path("image", path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o755)); err != nil {
			return nil, err
		}
	}
	if err := os.Mkdir(c.Path("tmp"), 0o755); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	logs := filepath.Join(w.storage, "logs-"+name)
	c.environ = c.Environ(
		"PATH="+filepath.Dir(w.session.binary)+":"+w.session.bin()+":"+os.Getenv("PATH"),
		"STORAGE_BASE_DIR="+w.storage, "STORAGE_LOGS_DIR="+logs,
		"FAULTS="+self, "APP_SOCKET="+c.Path("tmp/app.sock"), "APP_DATA="+w.data,
		"IMAGE_BACKUP_PATHS="+w.data, "IMAGE_BACKUP_STOP_PROGRAMS=app", "IMAGE_BACKUP_CRON=* * * * *",
		"IMAGE_HEALTH_CRON=@every 2s", "IMAGE_HEALTH_TIMEOUT=30s", "IMAGE_LOGROTATE_CRON=* * * * *",
		"IMAGE_HEALTH_CRASHES=0", // the faults kill programs that often
		"IMAGE_HEALTH_LIVENESS_CHECK_ENABLED=true",
		"IMAGE_LOG_STDOUT="+strconv.FormatBool(w.stdoutLog),
		"PLANTED_SECRET="+w.secret, "LOGGING_REDIS_PASSWORD="+w.secret)
	if w.redis != nil {
		c.environ = append(c.environ, "LOGGING_REDIS_HOST=127.0.0.1", "LOGGING_REDIS_PORT="+w.redis.Port,
			"STORAGE_FILEBEAT_DIR="+filepath.Join(w.storage, "filebeat-"+name), "STORAGE_FILEBEAT_REG_DIR="+filepath.Join(w.storage, "filebeat_reg-"+name))
	}
	return c, chown(c.Root, w.uid)
}

func (c *container) appLog() string {
	return filepath.Join(c.world.storage, "logs-"+c.name, "app", "app.log")
}

func (c *container) socket() string { return c.Path("tmp/app.sock") }

// start starts the container; it need not live for long.
func (c *container) start() error {
	out, err := os.OpenFile(c.output, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	args := append([]string{"-c", `mount -t proc proc /proc && exec "$@"`, "sh"}, c.asUser(c.world.session.binary, "run")...)
	cmd := exec.Command("/bin/sh", args...)
	cmd.Env, cmd.Dir = c.environ, c.Root
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Cloneflags: syscall.CLONE_NEWPID, Unshareflags: syscall.CLONE_NEWNS}
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	c.first, c.ended = cmd, ended
	c.ns, _ = os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", cmd.Process.Pid))
	return nil
}

func (c *container) asUser(args ...string) []string {
	if c.world.uid == 0 {
		return args
	}
	id := strconv.Itoa(c.world.uid)
	return append([]string{"setpriv", "--reuid", id, "--regid", id, "--clear-groups"}, args...)
}

func (c *container) lives() bool {
	if c.first == nil {
		return false
	}
	select {
	case <-c.ended:
		return false
	default:
		return true
	}
}

// signal sends the first process a signal. The kernel drops those that it does not
// handle, as with every container.
func (c *container) signal(s syscall.Signal) {
	if c.lives() {
		_ = c.first.Process.Signal(s)
	}
}

// waitEnd waits for the end of the container, and keeps supervisord awake.
func (c *container) waitEnd(limit time.Duration) error {
	return waitFor(limit, "container "+c.name+" ends", func() error {
		if c.lives() {
			if conn, err := net.Dial("unix", c.Path("tmp/supervisord.sock")); err == nil {
				_ = conn.Close()
			}
			return errors.New("it lives")
		}
		return nil
	})
}

func (c *container) kill() error {
	c.signal(syscall.SIGKILL)
	return c.waitEnd(bound)
}

// stop is docker stop, without its SIGKILL.
func (c *container) stop() error {
	c.signal(syscall.SIGTERM)
	return c.waitEnd(bound)
}

// process is one of a container.
type process struct {
	pid  int
	name string // what it is
	args string
}

// processes are those of the container, without its first one.
func (c *container) processes() []process {
	if !c.lives() {
		return nil
	}
	var all []process
	for _, pid := range proc.List() {
		dir := fmt.Sprintf("/proc/%d", pid)
		if ns, err := os.Readlink(dir + "/ns/pid"); err != nil || ns != c.ns || pid == c.first.Process.Pid {
			continue
		}
		line, err := os.ReadFile(dir + "/cmdline")
		if err != nil {
			continue
		}
		args := strings.TrimRight(string(bytes.ReplaceAll(line, []byte{0}, []byte{' '})), " ")
		all = append(all, process{pid, kindOf(args), args})
	}
	return all
}

// kindOf tells what a process is from its command line.
func kindOf(args string) string {
	for _, kind := range []struct{ part, name string }{
		{"/cron.py", "crond"},
		{"filebeat -e", "filebeat"},
		{"eventlistener.py", "listener"},
		{" app /", "app"},
		{" probe /", "probe"},
		{"check-app", "probe"},
		{"check-readiness", "check"},
		{"check-liveness", "check"},
		{"stdout-log", "follower"},
		{"backup.py", "backup"},
		{" backup", "backup"},
		{" restore", "restore"},
		{" restart", "restart"},
		{" resume", "resume"},
		{"logrotate", "logrotate"},
		{" wake", "wake"},
		{" run", "step"},
		{"sleep", "step"},
	} {
		if strings.Contains(args, kind.part) {
			return kind.name
		}
	}
	if args == "" {
		return "zombie"
	}
	return "other"
}

func (c *container) alive(name string) (process, bool) {
	all := c.processes()
	if i := slices.IndexFunc(all, func(p process) bool { return p.name == name }); i >= 0 {
		return all[i], true
	}
	return process{}, false
}

// command is one that runs in the container, as docker exec does it. The limit is
// for what hangs.
func (c *container) command(args ...string) (*exec.Cmd, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.Background(), bound)
	args = append([]string{"--target", strconv.Itoa(c.first.Process.Pid), "--mount", "--pid", "--"}, c.asUser(args...)...)
	cmd := exec.CommandContext(ctx, "nsenter", args...)
	cmd.Env, cmd.Dir = c.environ, c.Root
	cmd.WaitDelay = time.Second
	return cmd, cancel
}

// manager runs container-manager in the container and returns its exit status and
// what it said.
func (c *container) manager(args ...string) (int, string) {
	return c.exec(append([]string{c.world.session.binary}, args...)...)
}

func (c *container) exec(args ...string) (int, string) {
	if !c.lives() {
		return -1, "the container has ended"
	}
	cmd, cancel := c.command(args...)
	defer cancel()
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		return -1, fmt.Sprint(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// background runs a command of which a fault is to hit something.
func (c *container) background(args ...string) (done chan string) {
	done = make(chan string, 1)
	go func() {
		status, out := c.world.timed(args[0], func() (int, string) { return c.manager(args...) })
		done <- fmt.Sprintf("%s: exit status %d\n%s", strings.Join(args, " "), status, out)
	}()
	return done
}

func chown(dir string, uid int) error {
	return exec.Command("chown", "-R", fmt.Sprintf("%d:%d", uid, uid), dir).Run()
}
