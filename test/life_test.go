package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ZPascal/container-manager/test/testenv"
)

// users are who containers run as. Tests of their lives run as root and become
// the other one themselves.
var users = map[string]uint32{"root": 0, "kubernetes": 500}

// container is an image tree with its storage, to be started again and again.
type container struct {
	root, bin string
	env       []string
	uid       uint32
	stdout    *os.File // where standard output goes; nil is to the life's output
}

// newContainer copies files/ to a directory that belongs to the user.
func newContainer(t *testing.T, bin string, uid uint32, files map[string]string) *container {
	t.Helper()
	root, err := os.MkdirTemp("", "life-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { removeLocked(root) })
	if err := os.CopyFS(root, os.DirFS("../files")); err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("chown", "-hR", fmt.Sprint(uid), root).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	// Of the environment only what every container has.
	env := append(treeEnviron(root), "PATH="+filepath.Dir(bin)+":/usr/bin:/bin:/usr/sbin:/sbin", "IMAGE_CRON_ENABLED=0")
	return &container{root: root, bin: bin, env: env, uid: uid}
}

func removeLocked(root string) {
	_ = makeWritable(root)
	_ = os.RemoveAll(root)
}

func makeWritable(root string) error {
	return exec.Command("chmod", "-R", "u+w", root).Run()
}

func (c *container) path(name string) string { return filepath.Join(c.root, name) }

// life is one life of a container: a process and what it said.
type life struct {
	t      *testing.T
	cmd    *exec.Cmd
	output *testenv.Buffer
	ended  chan struct{}
}

func (c *container) start(t *testing.T, args ...string) *life {
	t.Helper()
	l := &life{t: t, cmd: exec.Command(c.bin, append([]string{"run"}, args...)...), output: &testenv.Buffer{}, ended: make(chan struct{})}
	l.cmd.Env, l.cmd.Dir = c.env, c.root
	l.cmd.Stdout, l.cmd.Stderr = l.output, l.output
	if c.stdout != nil {
		l.cmd.Stdout = c.stdout
	}
	l.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if c.uid != 0 {
		l.cmd.SysProcAttr.Credential = &syscall.Credential{Uid: c.uid, Gid: c.uid}
	}
	// Programs that outlive a killed supervisord may hold the output.
	l.cmd.WaitDelay = 5 * time.Second
	if err := l.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = l.cmd.Wait()
		close(l.ended)
	}()
	t.Cleanup(func() {
		select {
		case <-l.ended:
		default:
			l.signal(syscall.SIGTERM)
			l.end()
		}
	})
	return l
}

func (l *life) signal(s syscall.Signal) { _ = l.cmd.Process.Signal(s) }

// end waits for the end and returns the exit status, -1 for a signal.
func (l *life) end() int {
	l.t.Helper()
	select {
	case <-l.ended:
	case <-time.After(30 * time.Second):
		_ = l.cmd.Process.Kill()
		l.t.Fatalf("the container does not end:\n%s", l.output)
	}
	return l.cmd.ProcessState.ExitCode()
}

// says waits for a text in the output.
func (l *life) says(text string) {
	l.t.Helper()
	waitFor(l.t, "the output "+text+", in\n", l.output.String, func() bool { return strings.Contains(l.output.String(), text) })
}

func waitFor(t *testing.T, what string, detail func() string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatalf("never came: %s%s", what, detail())
		}
		time.Sleep(5 * time.Millisecond)
	}
}

const appConf = `[program:app]
command = /bin/sh %(ENV_IMAGE_APP_DIR)s/app.sh
[program:by-hand]
command = /bin/sleep 1000
autostart = false
`

// TestTenLives starts one container ten times, as a Docker host does that is
// restarted, and looks at what a container promises each time.
func TestTenLives(t *testing.T) {
	bin := openBinary(t)
	for name, uid := range users {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newContainer(t, bin, uid, map[string]string{
				"image/supervisord/conf.d/app.conf":   appConf,
				"image/app/app.sh":                    "echo run >>\"$STORAGE_DATA_DIR/runs\"\nexec sleep 1000\n",
				"image/setup/run.once/10-count.sh":    "#!/bin/sh\necho once >>\"$STORAGE_DATA_DIR/once\"\n",
				"image/setup/run.always/10-append.sh": "#!/bin/sh\necho '@daily true' >>\"$IMAGE_CRON_DIR/kubernetes\"\n",
			})
			for n := 1; n <= 10; n++ {
				l := c.start(t)
				l.says("programs are running")
				if strings.Contains(l.output.String(), "ERROR") {
					t.Fatalf("life %d:\n%s", n, l.output)
				}
				for file, want := range map[string]string{
					"process/supervisor.app.state":     "RUNNING",
					"process/supervisor.by-hand.state": "STOPPED",
					"process/supervisor.by-hand.pid":   "-1",
					"storage/data/once":                "once\n",
					"storage/data/runs":                strings.Repeat("run\n", n),
				} {
					waitFor(t, file, func() string { return l.output.String() }, func() bool {
						return read(t, c.path(file)) == want
					})
				}
				if pid := read(t, c.path("process/supervisor.app.pid")); !isAlive(pid) {
					t.Errorf("process %s of the app is not there", pid)
				}
				if crontab := read(t, c.path("run/cron/kubernetes")); strings.Count(crontab, "@daily true") != 1 || strings.Count(crontab, "logrotate -f") != 1 {
					t.Errorf("life %d: crontab\n%s", n, crontab)
				}
				ours := childIDs(t, l.cmd.Process.Pid)
				if n%2 == 1 {
					l.signal(syscall.SIGTERM)
					if status := l.end(); status != 0 {
						t.Fatalf("life %d: exit status %d\n%s", n, status, l.output)
					}
				} else { // the machine's power fails
					_ = syscall.Kill(l.cmd.Process.Pid, syscall.SIGKILL)
					for _, pid := range ours {
						_ = syscall.Kill(pid, syscall.SIGKILL)
					}
					l.end()
				}
				for _, pid := range ours {
					waitFor(t, fmt.Sprintf("the end of process %d", pid), l.output.String, func() bool { return !isAlive(fmt.Sprint(pid)) })
				}
			}
		})
	}
}

// childIDs returns the ids of a process's children, once the kick is gone.
func childIDs(t *testing.T, pid int) []int {
	t.Helper()
	var pids []int
	waitFor(t, "the end of the kick", func() string { return fmt.Sprint(pids) }, func() bool {
		pids = nil
		children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
		for _, id := range strings.Fields(string(children)) {
			line, _ := os.ReadFile("/proc/" + id + "/cmdline")
			if len(line) == 0 || strings.Contains(string(line), "\x00kick\x00") {
				return false // it is about to end, or has
			}
			var n int
			if _, err := fmt.Sscan(id, &n); err == nil && isAlive(id) {
				pids = append(pids, n)
			}
		}
		return true
	})
	if len(pids) != 2 { // the app and the event listener
		t.Errorf("supervisord has children %v, expected two", pids)
	}
	return pids
}

// openBinary is the binary where other users can run it.
func openBinary(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "bin-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(binary(t))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "container-manager")
	if err := os.WriteFile(path, data, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestKilledFirstStart kills first starts at many moments. Whatever was done,
// the next start completes: every step ran to its end, and one that had is not
// run again.
func TestKilledFirstStart(t *testing.T) {
	bin := openBinary(t)
	const steps = 4
	files := map[string]string{}
	for i := range steps {
		// begun and done are counted apart, as a kill may come between a step's
		// work and the note that it is done.
		files[fmt.Sprintf("image/setup/run.once/%d0.sh", i+1)] = fmt.Sprintf(`#!/bin/sh
cd "$STORAGE_BASE_DIR" && echo begun >>%d && echo done >>%d
`, i, i)
	}
	for moment := range 40 {
		t.Run(fmt.Sprintf("%dms", moment), func(t *testing.T) {
			c := newContainer(t, bin, 0, files)
			killed := c.start(t, "/bin/true")
			time.Sleep(time.Duration(moment) * time.Millisecond)
			_ = syscall.Kill(-killed.cmd.Process.Pid, syscall.SIGKILL)
			killed.end()
			again := c.start(t, "/bin/true")
			if status := again.end(); status != 0 {
				t.Fatalf("after the kill: exit status %d\n%s", status, again.output)
			}
			if marker := read(t, c.path("storage/.run-once.completed")); !strings.Contains(marker, ":") {
				t.Errorf("marker %q holds no time", marker)
			}
			repeated := 0
			for i := range steps {
				log := read(t, c.path(fmt.Sprintf("storage/%d", i)))
				if !strings.HasSuffix(log, "done\n") {
					t.Errorf("step %d: %q", i, log)
				}
				if strings.Count(log, "begun") > 1 {
					repeated++
				}
			}
			if repeated > 1 {
				t.Errorf("%d steps ran again, at most the one that was running may", repeated)
			}
			third := c.start(t, "/bin/true")
			if status := third.end(); status != 0 || strings.Contains(third.output.String(), "run.once") {
				t.Errorf("third start: exit status %d\n%s", status, third.output)
			}
		})
	}
}

// TestRefusedConfiguration is what an operator sees of supervisord's own words.
func TestRefusedConfiguration(t *testing.T) {
	c := newContainer(t, openBinary(t), 0, map[string]string{
		"image/supervisord/conf.d/app.conf": "[program:app]\ncommand = sleep 1000\nautostart = perhaps\n",
	})
	l := c.start(t)
	if status := l.end(); status != 2 {
		t.Errorf("exit status %d, expected supervisord's 2", status)
	}
	l.says("not a valid boolean value: 'perhaps' in section 'program:app'")
}

// TestProgramsThatFail are named in the summary, with supervisord's reason.
func TestProgramsThatFail(t *testing.T) {
	c := newContainer(t, openBinary(t), 0, map[string]string{
		"image/supervisord/conf.d/app.conf": "[program:app]\ncommand = /bin/false\nstartretries = 0\nstdout_logfile = %(ENV_SUPERVISOR_LOGS_DIR)s/app.log\nredirect_stderr = true\n[program:none]\ncommand = /nowhere\nstartretries = 0\nstdout_logfile = NONE\nstderr_logfile = NONE\n",
	})
	l := c.start(t)
	l.says("not up: app FATAL (Exited too quickly (process log may have details), see " + filepath.Join(c.root, "storage/logs/supervisor/app.log") + "), none FATAL (can't find command '/nowhere')")
}

// TestSecondLifeAtTheSameTime does not touch the first.
func TestSecondLifeAtTheSameTime(t *testing.T) {
	c := newContainer(t, openBinary(t), 0, nil)
	first := c.start(t)
	first.says("1 program is running")
	second := c.start(t, "/bin/true")
	if status := second.end(); status != 1 {
		t.Errorf("exit status %d", status)
	}
	second.says("supervisord already runs at " + c.path("supervisord.sock"))
	if state := read(t, c.path("process/supervisor.health.state")); state != "RUNNING" {
		t.Errorf("the first container's listener is %s", state)
	}
}
