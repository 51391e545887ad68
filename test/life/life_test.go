// Package life starts and stops whole containers: the real binary with a real
// supervisord, and with one that only says how it was called.
package life

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ZPascal/container-manager/test/testenv"
)

const appConf = `[program:app]
command = /bin/sh %(ENV_IMAGE_APP_DIR)s/app.sh
[program:by-hand]
command = /bin/sleep 1000
autostart = false
`

// TestTenLives starts one container ten times, as a Docker host does that is
// restarted, and looks at what a container promises each time.
func TestTenLives(t *testing.T) {
	for name, uid := range testenv.Users {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := testenv.NewContainer(t, uid, map[string]string{
				"image/supervisord/conf.d/app.conf":   appConf,
				"image/app/app.sh":                    "echo run >>\"$STORAGE_DATA_DIR/runs\"\nexec sleep 1000\n",
				"image/setup/run.once/10-count.sh":    "#!/bin/sh\necho once >>\"$STORAGE_DATA_DIR/once\"\n",
				"image/setup/run.always/10-append.sh": "#!/bin/sh\necho '@daily true' >>\"$IMAGE_CRON_DIR/kubernetes\"\n",
			})
			for n := 1; n <= 10; n++ {
				l := c.Run()
				l.Says("programs are running")
				if strings.Contains(l.Output.String(), "ERROR") {
					t.Fatalf("life %d:\n%s", n, l.Output.String())
				}
				for file, want := range map[string]string{
					"tmp/supervisor.app.state":     "RUNNING",
					"tmp/supervisor.by-hand.state": "STOPPED",
					"tmp/supervisor.by-hand.pid":   "-1",
					"storage/data/once":            "once\n",
					"storage/data/runs":            strings.Repeat("run\n", n),
				} {
					testenv.WaitFor(t, file, func() bool {
						return testenv.ReadIfThere(t, c.Path(file)) == want
					})
				}
				c.PID("app")
				if crontab := testenv.ReadIfThere(t, c.Path("run/cron/kubernetes")); strings.Count(crontab, "@daily true") != 1 || strings.Count(crontab, "logrotate -f") != 1 {
					t.Errorf("life %d: crontab\n%s", n, crontab)
				}
				ours := childIDs(t, l.FirstPID())
				if n%2 == 1 {
					l.Signal(syscall.SIGTERM)
					if status := l.End(); status != 0 {
						t.Fatalf("life %d: exit status %d\n%s", n, status, l.Output.String())
					}
				} else { // the machine's power fails
					_ = syscall.Kill(l.FirstPID(), syscall.SIGKILL)
					for _, pid := range ours {
						_ = syscall.Kill(pid, syscall.SIGKILL)
					}
					l.End()
				}
				for _, pid := range ours {
					testenv.WaitFor(t, fmt.Sprintf("the end of process %d", pid), func() bool { return !testenv.Alive(pid) })
				}
			}
		})
	}
}

// childIDs returns the ids of a process's children, once supervisord is no longer woken.
func childIDs(t *testing.T, pid int) []int {
	t.Helper()
	var pids []int
	testenv.WaitFor(t, "the end of waking", func() bool {
		pids = nil
		children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
		for _, id := range strings.Fields(string(children)) {
			line, _ := os.ReadFile("/proc/" + id + "/cmdline")
			if len(line) == 0 || strings.Contains(string(line), "\x00wake\x00") {
				return false // it is about to end, or has
			}
			var n int
			if _, err := fmt.Sscan(id, &n); err == nil && testenv.Alive(n) {
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

// TestKilledFirstStart kills first starts at many moments. Whatever was done,
// the next start completes: every step ran to its end, and one that had is not
// run again.
func TestKilledFirstStart(t *testing.T) {
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
			c := testenv.NewContainer(t, 0, files)
			killed := c.Run("/bin/true")
			time.Sleep(time.Duration(moment) * time.Millisecond)
			_ = syscall.Kill(-killed.FirstPID(), syscall.SIGKILL)
			killed.End()
			again := c.Run("/bin/true")
			if status := again.End(); status != 0 {
				t.Fatalf("after the kill: exit status %d\n%s", status, again.Output.String())
			}
			if marker := testenv.ReadIfThere(t, c.Path("storage/.run-once.completed")); !strings.Contains(marker, ":") {
				t.Errorf("marker %q holds no time", marker)
			}
			repeated := 0
			for i := range steps {
				log := testenv.ReadIfThere(t, c.Path(fmt.Sprintf("storage/%d", i)))
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
			third := c.Run("/bin/true")
			if status := third.End(); status != 0 || strings.Contains(third.Output.String(), "run.once") {
				t.Errorf("third start: exit status %d\n%s", status, third.Output.String())
			}
			wantAllAgain(t, c, steps)
		})
	}
}

// wantAllAgain removes the marker: then every step has to run again.
func wantAllAgain(t *testing.T, c *testenv.Container, steps int) {
	t.Helper()
	if err := os.Remove(c.Path("storage/.run-once.completed")); err != nil {
		t.Fatal(err)
	}
	var before []string
	for i := range steps {
		before = append(before, testenv.Read(t, c.Path(fmt.Sprintf("storage/%d", i))))
	}
	l := c.Run("/bin/true")
	status := l.End()
	for i := range steps {
		if got := testenv.Read(t, c.Path(fmt.Sprintf("storage/%d", i))); status != 0 || got != before[i]+"begun\ndone\n" {
			t.Errorf("without the marker: exit status %d, step %d: %q\n%s", status, i, got, l.Output.String())
		}
	}
}

// TestRefusedConfiguration is what an operator sees of supervisord's own words.
func TestRefusedConfiguration(t *testing.T) {
	c := testenv.NewContainer(t, 0, map[string]string{
		"image/supervisord/conf.d/app.conf": "[program:app]\ncommand = sleep 1000\nstopsignal = perhaps\n",
	})
	l := c.Run()
	if status := l.End(); status != 2 {
		t.Errorf("exit status %d, expected supervisord's 2", status)
	}
	l.Says("value 'perhaps' is not a valid signal name in section 'program:app'")
}

// TestProgramsThatFail are named in the summary, with supervisord's reason.
func TestProgramsThatFail(t *testing.T) {
	c := testenv.NewContainer(t, 0, map[string]string{
		"image/supervisord/conf.d/app.conf": "[program:app]\ncommand = /bin/false\nstartretries = 0\nstdout_logfile = %(ENV_SUPERVISOR_LOGS_DIR)s/app.log\nredirect_stderr = true\n[program:none]\ncommand = /nowhere\nstartretries = 0\nstdout_logfile = NONE\nstderr_logfile = NONE\n",
	})
	l := c.Run()
	l.Says("not up: app FATAL (Exited too quickly (process log may have details), see " + filepath.Join(c.Root, "storage/logs/supervisor/app.log") + "), none FATAL (can't find command '/nowhere')")
}

// TestSecondLifeAtTheSameTime does not touch the first.
func TestSecondLifeAtTheSameTime(t *testing.T) {
	c := testenv.NewContainer(t, 0, nil)
	first := c.Run()
	first.Says("1 program is running")
	second := c.Run("/bin/true")
	if status := second.End(); status != 1 {
		t.Errorf("exit status %d", status)
	}
	second.Says("supervisord already runs at " + c.Path("tmp/supervisord.sock"))
	if state := testenv.ReadIfThere(t, c.Path("tmp/supervisor.health.state")); state != "RUNNING" {
		t.Errorf("the first container's listener is %s", state)
	}
}
