package logs

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

const twoPrograms = `[program:app]
command = /bin/sh -c "while read line; do echo \"$line\"; echo \"no $line\" >&2; done <\"$STORAGE_DATA_DIR/lines\"; exec sleep 1000"
stdout_logfile = %(ENV_SUPERVISOR_LOGS_DIR)s/app.log
stderr_logfile = %(ENV_SUPERVISOR_LOGS_DIR)s/app.err
[program:unnamed]
command = /bin/sh -c "echo hello; exec sleep 1000"
redirect_stderr = true
`

// TestStandardOutput is a container whose programs are heard on its standard
// output, with the lines of this life only.
func TestStandardOutput(t *testing.T) {
	for name, uid := range testenv.Users {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := testenv.NewContainer(t, uid, map[string]string{
				"image/supervisord/conf.d/app.conf": twoPrograms,
				"storage/data/lines":                "one\ntwo\n",
			})
			c.Setenv("IMAGE_LOG_STDOUT=true")
			for n := 1; n <= 3; n++ {
				l := c.Run()
				for _, line := range []string{"app | one", "app | two", "app | no one", "app | no two", "unnamed | hello", "supervisord | "} {
					l.Says("\n" + line)
				}
				l.Signal(syscall.SIGTERM)
				if status := l.End(); status != 0 {
					t.Errorf("exit status %d", status)
				}
				out := l.Output.String()
				if n := strings.Count(out, "app | two\n"); n != 1 {
					t.Errorf("life %d says %d times what the app says:\n%s", n, n, out)
				}
				if strings.Count(out, "INFO spawned: 'app'") != 1 || strings.Count(out, "\nsupervisord | ") < 5 {
					t.Errorf("supervisord's own log is not there, or twice:\n%s", out)
				}
			}
		})
	}
}

// heard is what came out of a container's standard output of a program that
// counts.
type heard struct {
	mu    sync.Mutex
	times map[int]int // how often each number
	last  int
	ended bool
	other []string // lines of others
}

// hear gives a container a standard output, and reads it.
func hear(t *testing.T, c *testenv.Container) *heard {
	t.Helper()
	r, h := pipe(t, c), &heard{times: map[int]int{}}
	go func() {
		lines := bufio.NewScanner(r)
		for lines.Scan() {
			h.mu.Lock()
			text, ofApp := strings.CutPrefix(lines.Text(), "app | ")
			n, err := strconv.Atoi(text)
			switch {
			case ofApp && err == nil:
				h.times[n]++
				h.last = n
			case ofApp && text == "end":
				h.ended = true
			default:
				h.other = append(h.other, lines.Text())
			}
			h.mu.Unlock()
		}
	}()
	return h
}

// pipe makes a container's standard output a pipe.
func pipe(t *testing.T, c *testenv.Container) *os.File {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = r.Close(), w.Close() })
	// Container engines give it to the container's user.
	if err := w.Chown(c.UID, c.UID); err != nil {
		t.Fatal(err)
	}
	c.Stdout = w
	return r
}

func (h *heard) reached(n int) bool { return h.latest() >= n }

func (h *heard) latest() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.last
}

func (h *heard) isOver() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ended
}

// check wants every number from 1 to last once, and at most some of them twice.
func (h *heard) check(t *testing.T, last, twice int) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	missing, repeated := 0, 0
	for n := 1; n <= last; n++ {
		switch times := h.times[n]; {
		case times == 0:
			missing++
		case times > 1:
			repeated++
		}
	}
	if missing > 0 || repeated > twice || len(h.times) > last {
		t.Errorf("of %d lines %d are missing and %d are there more than once; %d others: %q", last, missing, repeated, len(h.other), h.other[max(0, len(h.other)-5):])
	}
}

// paced counts to 100,000 in a second or two, so that others can act meanwhile.
const paced = `i=0
while [ $i -lt 50 ]; do
	seq $((i * 2000 + 1)) $((i * 2000 + 2000))
	i=$((i + 1))
	sleep 0.02
done
echo end
exec sleep 1000
`

func pacedConf(more string) string {
	return `[program:app]
command = /bin/sh %(ENV_IMAGE_APP_DIR)s/app.sh
redirect_stderr = true
stdout_logfile = %(ENV_SUPERVISOR_LOGS_DIR)s/app.log
` + more
}

// TestStandardOutputOverRotations counts what comes out while supervisord rotates,
// while logrotate does, and when the program that follows is killed.
func TestStandardOutputOverRotations(t *testing.T) {
	for name, test := range map[string]struct {
		conf, block string
		during      func(t *testing.T, c *testenv.Container, h *heard)
		twice       int
	}{
		"supervisord rotates": {conf: "stdout_logfile_maxbytes = 50KB\nstdout_logfile_backups = 3\n"},
		"logrotate rotates": {
			block: "${SUPERVISOR_LOGS_DIR}/app.log {\n    rotate 20\n}\n",
			during: func(t *testing.T, c *testenv.Container, h *heard) {
				for n := 10_000; n < 60_000; n += 10_000 {
					testenv.WaitFor(t, fmt.Sprintf("line %d", n), func() bool { return h.reached(n) })
					logrotate(t, c)
				}
			},
		},
		"it is killed": {
			conf: "stdout_logfile_maxbytes = 50KB\nstdout_logfile_backups = 20\n",
			during: func(t *testing.T, c *testenv.Container, h *heard) {
				testenv.WaitFor(t, "line 30,000", func() bool { return h.reached(30_000) })
				_ = syscall.Kill(c.PID("stdout-log"), syscall.SIGKILL)
			},
			twice: 10_000, // a batch
		},
	} {
		for user, uid := range testenv.Users {
			t.Run(name+" as "+user, func(t *testing.T) {
				t.Parallel()
				files := map[string]string{"image/supervisord/conf.d/app.conf": pacedConf(test.conf), "image/app/app.sh": paced}
				if test.block != "" {
					files["image/logging/logrotate.d/app"] = test.block
				}
				c := testenv.NewContainer(t, uid, files)
				c.Setenv("IMAGE_LOG_STDOUT=true")
				h := hear(t, c)
				c.Run()
				if test.during != nil {
					test.during(t, c, h)
				}
				testenv.WaitFor(t, "the last line", h.isOver)
				h.check(t, 100_000, test.twice)
			})
		}
	}
}

// TestNobodyReadsStandardOutput fills the pipe and then some: the program goes on,
// supervisord answers, and the container ends when it is told to.
func TestNobodyReadsStandardOutput(t *testing.T) {
	for name, uid := range testenv.Users {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := testenv.NewContainer(t, uid, map[string]string{
				"image/supervisord/conf.d/app.conf": pacedConf("stdout_logfile_maxbytes = 400MB\n"), "image/app/app.sh": paced,
			})
			c.Setenv("IMAGE_LOG_STDOUT=true")
			pipe(t, c)
			l := c.Run()
			testenv.WaitFor(t, "the app's last line", func() bool {
				return strings.HasSuffix(testenv.ReadIfThere(t, c.Path("storage/logs/supervisor/app.log")), "end\n")
			})
			if out, err := c.Manager("restart", "app").CombinedOutput(); err != nil {
				t.Errorf("supervisord does not answer: %v\n%s", err, out)
			}
			l.Signal(syscall.SIGTERM)
			if status := l.End(); status != 0 {
				t.Errorf("exit status %d\n%s", status, l.Output.String())
			}
		})
	}
}
