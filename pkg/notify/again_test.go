package notify

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ZPascal/container-manager/test/testenv"
)

// deaf takes no event until there is a file.
const deaf = `echo called >>"$OUT.calls"; [ -e "$OUT.hears" ] && exec cat >>"$OUT"`

func (r *rig) calls() int {
	return strings.Count(testenv.ReadIfThere(r.T, filepath.Join(r.dir, "out.calls")), "\n")
}

func (r *rig) postponed() int {
	paths, _ := postponed(Dir(r.Config.RunDir))
	return len(paths)
}

// recallAfter puts back what is due after a time.
func (r *rig) recallAfter(d time.Duration) (time.Duration, bool) {
	return recall(Dir(r.Config.RunDir), time.Now().Add(d))
}

func TestToldAgain(t *testing.T) {
	r := newRig(t)
	r.script("deaf.sh", deaf)
	r.prepare()
	for range maxSpool + 1 {
		r.send(Event{Kind: JobFailed, Job: "a", What: "it failed"})
	}
	r.run()
	r.says("nobody has been told that it failed: it is told again in 1m0s")
	if r.calls() != 1 || len(r.spooled()) != 0 || r.postponed() != maxSpool {
		t.Errorf("%d calls for the same events, spool %v, %d postponed", r.calls(), r.spooled(), r.postponed())
	}
	if left, ok := r.recallAfter(30 * time.Second); !ok || left <= 0 || left > 31*time.Second || len(r.spooled()) != 0 {
		t.Errorf("after half a minute: %s, %v, spool %v", left, ok, r.spooled())
	}
	r.prepare() // the next life
	testenv.Write(t, filepath.Join(r.dir, "out.hears"), "", 0o644)
	if _, ok := r.recallAfter(2 * time.Minute); ok || len(r.spooled()) != maxSpool {
		t.Errorf("after two minutes some still wait: %v, spool %d", ok, len(r.spooled()))
	}
	r.run()
	want := `{"kind":"job-failed","job":"a","what":"it failed","when":"2026-03-01T12:00:00Z","lost":1,"labels":{"APP_VERSION":"2","IMAGE_NAME":"hello"}}` + "\n"
	if r.out() != want || len(r.spooled())+r.postponed() != 0 {
		t.Errorf("told %s, want %s; spool %v", r.out(), want, r.spooled())
	}
}

func TestGivenUp(t *testing.T) {
	r := newRig(t)
	r.script("deaf.sh", deaf)
	r.prepare()
	r.send(Event{Kind: ProgramLoops, Program: "a", What: "it loops"})
	var waited time.Duration
	for {
		r.run()
		left, ok := r.recallAfter(0)
		if !ok {
			break
		}
		waited += left.Round(time.Minute)
		r.recallAfter(left + time.Second)
	}
	r.says("nobody will be told that it loops: no script has taken it for two hours")
	if r.calls() != maxRounds || waited != 127*time.Minute || len(r.spooled())+r.postponed() != 0 {
		t.Errorf("%d calls within %s, spool %v, %d postponed", r.calls(), waited, r.spooled(), r.postponed())
	}
}

func TestRecall(t *testing.T) {
	r := newRig(t)
	r.script("keep.sh", keep)
	r.prepare()
	dir := Dir(r.Config.RunDir)
	future := filepath.Join(dir, "1-1-job-failed.7"+againSuffix)
	testenv.Write(t, future, `{"kind":"job-failed","what":"the clock was set back"}`, 0o600)
	ahead := time.Now().Add(24 * time.Hour)
	if err := os.Chtimes(future, ahead, ahead); err != nil {
		t.Fatal(err)
	}
	testenv.Write(t, filepath.Join(dir, "2-1-job-failed.json"), `{`, 0o600)
	testenv.Write(t, filepath.Join(dir, "3-1-job-failed.1000000"+againSuffix), `{"kind":"job-failed","job":"x","what":"many"}`, 0o600)
	if left, ok := r.recallAfter(0); !ok || left > again(maxRounds) {
		t.Errorf("%s, %v", left, ok)
	}
	r.run()
	r.says("an event cannot be read, and nobody is notified of it")
	if !strings.Contains(r.out(), "the clock was set back") || r.postponed() != 1 {
		t.Errorf("told %s, %d postponed", r.out(), r.postponed())
	}
	// A shutdown may have made the program FATAL.
	testenv.Write(t, filepath.Join(dir, "4-1-program-fatal.2"+againSuffix), `{}`, 0o600)
	if r.prepare(); r.postponed() != 1 {
		t.Errorf("%d postponed", r.postponed())
	}
}

// A full disk is what an event may be about: it waits all the same.
func TestToldAgainOnAFullDisk(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, _ string) {
		r := newRig(t)
		testenv.Mount(t, "tmpfs", r.Config.RunDir, "tmpfs", 0, "size=64k")
		r.script("deaf.sh", "exit 1")
		r.prepare()
		r.send(Event{Kind: BackupFailed, What: "there is no space left"})
		for size := 64 << 10; size > 0; size /= 2 { // until not a byte fits
			for n := 0; os.WriteFile(filepath.Join(r.Config.RunDir, fmt.Sprint("filler-", size, "-", n)), make([]byte, size), 0o644) == nil; n++ {
			}
		}
		r.run()
		r.says("nobody has been told that there is no space left: it is told again in 1m0s")
		if r.postponed() != 1 || len(r.spooled()) != 0 {
			t.Errorf("spool %v, %d postponed", r.spooled(), r.postponed())
		}
	})
}

// Who tells the last event leaves it to the next start when no script takes it.
func TestLastEventStays(t *testing.T) {
	r := newRig(t)
	r.script("deaf.sh", "exit 1")
	r.prepare()
	r.send(Event{Kind: ContainerEnds, What: "app is FATAL"})
	if err := r.RunLast(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.says("nobody has been told that app is FATAL: the next start tells it, where IMAGE_RUN_DIR outlives the container")
	if len(r.spooled()) != 1 || r.postponed() != 0 {
		t.Errorf("spool %v, %d postponed", r.spooled(), r.postponed())
	}
}
