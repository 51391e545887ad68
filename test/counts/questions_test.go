package counts

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ZPascal/container-manager/test/testenv"
)

// A start asks some questions at once, and then so many a second until its programs are
// up, which the event listener is after a second on any machine.
const (
	questionsAtOnce    = 6
	questionsPerSecond = 5
)

// TestQuestions counts what supervisord is asked: each question takes it away from its
// programs, with 50 of them for 5 ms.
func TestQuestions(t *testing.T) {
	t.Parallel()
	for _, programs := range []int{1, 50} {
		t.Run(fmt.Sprintf("%d programs", programs), func(t *testing.T) {
			t.Parallel()
			c := testenv.NewContainer(t, 0, map[string]string{
				"image/supervisord/conf.d/app.conf": fmt.Sprintf(`[supervisord]
loglevel = trace
[program:app]
command = /bin/sleep 1000
process_name = app_%%(process_num)d
numprocs = %d
startsecs = 0
stdout_logfile = NONE
stderr_logfile = NONE
`, programs),
				"image/health/readiness.probes.d/check-app.sh": "#!/bin/sh\nexit 0\n",
			})
			c.Start()
			calls := asked(t, c)
			atMost(t, "a start", calls, questionsAtOnce+int(questionsPerSecond*calls[len(calls)-1].at.Sub(calls[0].at).Seconds()))
			for _, command := range []struct {
				args []string
				most int
			}{
				{[]string{"check-readiness"}, 0},
				{[]string{"health", "readiness"}, 1},
				{[]string{"status"}, 1},
			} {
				before := asked(t, c)
				if out, err := c.Manager(command.args...).CombinedOutput(); err != nil {
					t.Fatalf("%q: %v\n%s", command.args, err, out)
				}
				atMost(t, strings.Join(command.args, " "), asked(t, c)[len(before):], command.most)
			}
		})
	}
}

// call is a question to supervisord, and when it came.
type call struct {
	method string
	at     time.Time
}

func atMost(t *testing.T, what string, calls []call, most int) {
	t.Helper()
	t.Logf("%s: %d questions", what, len(calls))
	if len(calls) > most {
		t.Errorf("%s asks supervisord %d times, promised is at most %d times: %v", what, len(calls), most, calls)
	}
}

// asked returns the calls that supervisord has noted.
func asked(t *testing.T, c *testenv.Container) (calls []call) {
	t.Helper()
	const stamp = "2006-01-02 15:04:05"
	for line := range strings.Lines(testenv.Read(t, c.Path("storage/logs/supervisor/supervisord.log"))) {
		if _, method, ok := strings.Cut(line, "XML-RPC method called: "); ok {
			at, err := time.Parse(stamp+",000", line[:len(stamp+",000")])
			if err != nil {
				t.Fatal(err)
			}
			calls = append(calls, call{strings.TrimSpace(method), at})
		}
	}
	return calls
}
