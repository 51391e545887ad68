package shipping

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ZPascal/container-manager/test/internal/redistest"
	"github.com/ZPascal/container-manager/test/testenv"
)

const lines = 200_000

// writer prints the lines at full speed: half of them, and the other half when it
// is told to. What they say follows from the seed. It writes each by itself:
// supervisord rotates between two of its reads, and would cut one that was written
// in two pieces.
const writer = `#!/bin/sh
part() {
	awk -v from=$1 -v to=$2 -v x=$3 'BEGIN {
		for (i = 1; i <= to; i++) {
			x = x * 16807 % 2147483647
			if (i < from) continue
			printf "line %06d %d%s\n", i, x, substr("................................................", 1, x % 48)
			fflush()
		}
	}'
}
cd "$STORAGE_DATA_DIR" || exit 1
[ ! -e done ] || exit 0
part 1 100000 "$SEED"
until [ -e second-half ]; do sleep 0.02; done
part 100001 200000 "$SEED"
touch done
`

const writerConf = `[program:writer]
command = sh %(ENV_IMAGE_APP_DIR)s/writer.sh
autorestart = false
startsecs = 0
stdout_logfile = %(ENV_SUPERVISOR_LOGS_DIR)s/writer.log
stdout_logfile_maxbytes = 2MB
stdout_logfile_backups = 9
`

const seed = 20260

// expected are the lines that writer prints, by how often they were shipped.
func expected() map[string]int {
	all := make(map[string]int, lines)
	x := seed
	for i := range lines {
		x = x * 16807 % 2147483647
		all[fmt.Sprintf("line %06d %d%s", i+1, x, strings.Repeat(".", x%48))] = 0
	}
	return all
}

// volume is a container that ships the writer's lines.
type volume struct {
	*container
	life    *testenv.Life
	redis   *redistest.Server
	counts  map[string]int
	missing int
	read    int             // entries of the list
	others  map[string]bool // messages that are not the writer's
}

func newVolume(t *testing.T, files map[string]string) *volume {
	t.Helper()
	redis := redistest.Start(t, redistest.Options{})
	files["app/writer.sh"], files["supervisord/conf.d/writer.conf"] = writer, writerConf
	c := newContainer(t, 0, files, at(redis, fmt.Sprintf("SEED=%d", seed))...).impatient()
	return &volume{container: c, life: c.Start(), redis: redis, counts: expected(), missing: lines, others: map[string]bool{}}
}

// look reads what has come since the last look.
func (v *volume) look() {
	v.t.Helper()
	for _, entry := range v.redis.ListFrom(0, "filebeat", v.read) {
		v.read++
		_, rest, _ := strings.Cut(entry, `"message":"`)
		message, _, _ := strings.Cut(rest, `"`)
		n, ours := v.counts[message]
		if ours && n == 0 {
			v.missing--
		}
		if ours {
			v.counts[message]++
		} else if strings.HasPrefix(message, "line ") {
			v.t.Errorf("%q was shipped, though nobody said so", message)
		} else {
			v.others[message] = true
		}
	}
}

// wait waits until no more than this many lines are missing, however long it
// takes, as long as something comes.
func (v *volume) wait(missing int) {
	v.t.Helper()
	for v.missing > missing {
		before := v.missing
		testenv.WaitFor(v.t, fmt.Sprintf("more lines (%d are missing)", v.missing), func() bool {
			time.Sleep(20 * time.Millisecond)
			v.look()
			return v.missing < before
		})
	}
}

func (v *volume) log() string { return v.Path("storage/logs/supervisor/writer.log") }

// rename rotates the log as logrotate does, while supervisord rotates it as well.
func (v *volume) rename() {
	v.t.Helper()
	rename(v.t, v.log(), v.log()+".0")
	v.life.Signal(syscall.SIGUSR2)
	testenv.WaitFor(v.t, "supervisord opens the log anew", func() bool { return testenv.Exists(v.log()) })
}

func (v *volume) proceed() { testenv.Write(v.t, v.Path("storage/data/second-half"), "", 0o644) }

func (v *volume) waitWritten() {
	v.t.Helper()
	testenv.WaitFor(v.t, "the program has said everything", func() bool { return testenv.Exists(v.Path("storage/data/done")) })
}

func (v *volume) checkRotations() {
	v.t.Helper()
	if rotated, err := filepath.Glob(v.log() + ".*"); err != nil || len(rotated) < 2 {
		v.t.Errorf("%v, rotated logs %q: want two at least", err, rotated)
	}
}

// TestExactlyOnce ships 200,000 lines over rotations, and nothing again in the next
// life.
func TestExactlyOnce(t *testing.T) {
	t.Parallel()
	v := newVolume(t, map[string]string{})
	v.wait(lines - 10_000)
	v.rename()
	v.proceed()
	v.wait(0)
	v.checkRotations()
	v.life.Stop()
	v.append("logs/supervisor/next.log", "the next life\n")
	next := v.Start()
	testenv.WaitFor(t, "a line of the next life", func() bool {
		v.look()
		return v.others["the next life"]
	})
	next.Stop() // it ships what it has read
	v.look()
	for line, n := range v.counts {
		if n != 1 {
			t.Errorf("%q was shipped %d times, want once", line, n)
		}
	}
}

// TestAtLeastOnce ships them over rotations, a filebeat that is killed and a Redis
// that goes away. Meanwhile the program never waits.
func TestAtLeastOnce(t *testing.T) {
	t.Parallel()
	v := newVolume(t, map[string]string{})
	v.wait(lines - 10_000)
	killed := v.PID("filebeat")
	v.rename()
	if err := syscall.Kill(killed, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	v.wait(lines - 60_000)
	v.redis.Stop()
	v.proceed()
	v.waitWritten() // although nothing is shipped
	v.redis.Start()
	v.wait(0)
	v.checkRotations()
	twice := 0
	for _, n := range v.counts {
		twice += n - 1
	}
	t.Logf("%d of %d lines were shipped again", twice, lines)
	if now := v.PID("filebeat"); now == killed {
		t.Error("filebeat was not killed")
	}
}
