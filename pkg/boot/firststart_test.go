package boot

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/test/testenv"
)

func TestFirstStartOrder(t *testing.T) {
	c := newContainer(t, testenv.NewTree(t))
	const look = `for f in .run-once.lock .run-once.completed; do
	if [ -e "$STORAGE_BASE_DIR/$f" ]; then echo "$f" >>"$STEPS"; fi
done
stat -c %a "$IMAGE_BASE_DIR" >>"$STEPS"`
	c.step("run.once", "20-second.sh", look)
	c.step("run.once", "10-first.sh", "")
	c.step("run.always", "10-always.sh", look)
	c.archive = "backup-1.tar.gz"
	c.onRestore = func(context.Context) {
		if lock, err := fsutil.TryLock(c.storage(".run-once.lock")); !errors.Is(err, fsutil.ErrLocked) {
			t.Errorf("the lock during the restore: %v, %v", lock, err)
		}
		if testenv.Exists(c.marker()) {
			t.Error("there is a marker before the restore")
		}
		if got, want := testenv.Read(t, c.records()), "10-first.sh\n20-second.sh\n"; got != want {
			t.Errorf("records %q before the restore, want %q", got, want)
		}
		c.wantSteps("10-always.sh", "755", "10-first.sh", "20-second.sh", ".run-once.lock", "555")
	}
	before := time.Now().Truncate(time.Second)
	c.start()
	c.wantLog("INFO\trun restored backup-1.tar.gz\n")

	text, whole := strings.CutSuffix(testenv.Read(t, c.marker()), "\n")
	at, err := time.ParseInLocation("Mon 02. Jan 15:04:05 MST 2006", text, time.Local)
	if err != nil || !whole || at.Before(before) || at.After(time.Now()) {
		t.Errorf("marker %q (%v), want a time from %s to now", text, err, before)
	}
	if mode := testenv.Mode(t, c.marker()); mode != 0o644 {
		t.Errorf("mode %s of the marker", mode)
	}
	for _, name := range testenv.Names(t, c.Config.StorageBaseDir) {
		if strings.HasPrefix(name, ".") && name != ".run-once.completed" && name != ".run-once.lock" {
			t.Errorf("%s is left behind", name)
		}
	}

	c.start()
	c.wantSteps("10-always.sh", ".run-once.lock", ".run-once.completed", "555")
	if c.restored != 1 {
		t.Errorf("restored %d times", c.restored)
	}

	if err := os.Remove(c.marker()); err != nil {
		t.Fatal(err)
	}
	c.onRestore = nil
	c.start()
	c.wantSteps("10-always.sh", ".run-once.lock", "555", "10-first.sh", "20-second.sh", ".run-once.lock", "555")
	if c.restored != 2 || !testenv.Exists(c.marker()) {
		t.Errorf("without the marker: restored %d times, want once more", c.restored)
	}
}

// Built-in steps alone need no record, and a storage without archives none for
// the restore.
func TestFirstStartWithoutRecords(t *testing.T) {
	c := newContainer(t, testenv.NewTree(t))
	c.onRestore = func(context.Context) {
		if !testenv.Exists(c.Config.DataDir) {
			t.Errorf("%s does not exist at the restore", c.Config.DataDir)
		}
		testenv.Mkdir(t, c.records()) // can be neither written nor removed as a file
		testenv.Write(t, c.records()+"/x", "", 0o644)
	}
	c.start()
	if c.restored != 1 || !testenv.Exists(c.marker()) {
		t.Errorf("restored %d times, want a marker", c.restored)
	}
	if got := c.log.String(); strings.Contains(got, "restored") {
		t.Errorf("the log speaks of an archive:\n%s", got)
	}
}

func TestFirstStartGoesOnWhereItFailed(t *testing.T) {
	c := newContainer(t, testenv.NewTree(t), "LUCK="+filepath.Join(t.TempDir(), "luck"))
	c.step("run.once", "10-a.sh", "")
	c.step("run.once", "20-b.sh", `ls -d "$STORAGE_DATA_DIR" >/dev/null || exit 4
[ -e "$LUCK" ] || { echo no luck; exit 3; }`)
	c.step("run.once", "30-c.sh", "")
	failed := "step 20-b.sh of run.once failed: " + c.Path("image/setup/run.once/20-b.sh") + " ended with exit status 3, last output: no luck"
	c.fail(failed)
	c.wantSteps("10-a.sh", "20-b.sh")
	if got := testenv.Read(t, c.records()); got != "10-a.sh\n" {
		t.Errorf("records %q", got)
	}
	c.log.Take()

	// The built-in step has no record and makes the directory again.
	if err := os.RemoveAll(c.Config.DataDir); err != nil {
		t.Fatal(err)
	}
	c.fail(failed)
	c.wantSteps("20-b.sh")
	c.wantLog("INFO\trun 10-a.sh was done by an earlier start\n")
	if c.restored != 0 || testenv.Exists(c.marker()) {
		t.Errorf("after a failed step: restored %d times, or there is a marker", c.restored)
	}

	luck, _ := c.Config.Lookup("LUCK")
	testenv.Write(t, luck, "", 0o644)
	c.start()
	c.wantSteps("20-b.sh", "30-c.sh")
	if c.restored != 1 || !testenv.Exists(c.marker()) || testenv.Exists(c.records()) {
		t.Errorf("restored %d times, storage holds %q", c.restored, testenv.Names(t, c.Config.StorageBaseDir))
	}
}

func TestFailedRestore(t *testing.T) {
	c := newContainer(t, testenv.NewTree(t))
	c.step("run.once", "10-a.sh", "")
	c.archive, c.restoreErr = "backup-1.tar.gz", errors.New("backup-1.tar.gz is broken")
	c.fail("backup-1.tar.gz is broken")
	if got := testenv.Read(t, c.records()); got != "10-a.sh\n" || testenv.Exists(c.marker()) {
		t.Errorf("records %q, want the step only, and no marker", got)
	}
	c.restoreErr = nil
	c.start()
	c.wantSteps("10-a.sh")
	if c.restored != 2 || !testenv.Exists(c.marker()) {
		t.Errorf("restored %d times, want a second time, and a marker", c.restored)
	}
}

func TestRestoreIsNotRepeated(t *testing.T) {
	c := newContainer(t, testenv.NewTree(t))
	c.step("run.once", "10-a.sh", "")
	c.archive = "backup-1.tar.gz"
	c.onRestore = func(context.Context) { testenv.Mkdir(t, c.marker()) } // the marker cannot be written then
	c.fail("cannot write " + c.marker() + ": file exists")
	if err := os.Remove(c.marker()); err != nil {
		t.Fatal(err)
	}
	c.start()
	c.wantSteps("10-a.sh")
	if c.restored != 1 || testenv.Exists(c.records()) {
		t.Errorf("restored %d times, storage holds %q", c.restored, testenv.Names(t, c.Config.StorageBaseDir))
	}
}

// A start that is killed between the last record and the marker leaves both in
// one file: whoever removes the marker later gets all steps again.
func TestKilledBeforeTheMarker(t *testing.T) {
	c := newContainer(t, testenv.NewTree(t))
	c.step("run.once", "10-a.sh", "")
	c.start()
	c.wantSteps("10-a.sh")
	if err := os.Rename(c.marker(), c.records()); err != nil {
		t.Fatal(err)
	}
	c.start()
	c.wantSteps()
	if !testenv.Exists(c.marker()) || testenv.Exists(c.records()) {
		t.Errorf("storage holds %q", testenv.Names(t, c.Config.StorageBaseDir))
	}
	if err := os.Remove(c.marker()); err != nil {
		t.Fatal(err)
	}
	c.start()
	c.wantSteps("10-a.sh")
}

func TestRestoreSwitchedOff(t *testing.T) {
	c := newContainer(t, testenv.NewTree(t), "IMAGE_RESTORE_ON_FIRST_START=false")
	c.restoreErr = errors.New("no archive is valid")
	c.start()
	if c.restored != 0 || !testenv.Exists(c.marker()) {
		t.Errorf("restored %d times, want never, and a marker", c.restored)
	}
}

// Two containers on one storage volume, which share nothing else.
func TestTwoFirstStarts(t *testing.T) {
	steps, storage := filepath.Join(t.TempDir(), "steps"), filepath.Join(t.TempDir(), "none", "storage")
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	var both [2]*container
	var ended [2]chan error
	for i := range both {
		c := newContainer(t, testenv.NewTree(t), "STORAGE_BASE_DIR="+storage, "STEPS="+steps, "FIFO="+fifo)
		c.step("run.once", "10-a.sh", "")
		c.step("run.once", "20-b.sh", `[ -e "$FIFO.read" ] || read x <"$FIFO" && : >"$FIFO.read"`)
		c.step("run.once", "30-c.sh", "")
		c.archive = "backup-1.tar.gz"
		both[i], ended[i] = c, make(chan error, 1)
	}
	run := func(i int) { ended[i] <- both[i].Run(t.Context(), plainCommand) }
	go run(0)
	release, err := os.OpenFile(fifo, os.O_WRONLY, 0) // waits until the step reads
	if err != nil {
		t.Fatal(err)
	}
	go run(1)
	const waiting = "INFO\trun waiting for the first start of another container on "
	testenv.WaitFor(t, "the second start says that it waits", func() bool {
		return strings.Contains(both[1].log.String(), waiting+storage+"\n")
	})
	if got, want := testenv.Read(t, steps), "10-a.sh\n20-b.sh\n"; got != want {
		t.Errorf("ran the steps %q, want %q", got, want)
	}
	if _, err := release.WriteString("go on\n"); err != nil {
		t.Fatal(err)
	}
	defer release.Close()
	for i, c := range both {
		if err := <-ended[i]; err != nil || len(c.execs) != 1 {
			t.Fatalf("start %d: %v, ran %q", i, err, c.execs)
		}
		if c.restored != 1-i {
			t.Errorf("start %d restored %d times, want %d", i, c.restored, 1-i)
		}
	}
	if got, want := testenv.Read(t, steps), "10-a.sh\n20-b.sh\n30-c.sh\n"; got != want {
		t.Errorf("ran the steps %q, want %q", got, want)
	}
	if said := strings.Count(both[0].log.String()+both[1].log.String(), waiting); said != 1 {
		t.Errorf("waiting was said %d times, want once", said)
	}
}

func TestCancelledWhileWaiting(t *testing.T) {
	c := newContainer(t, testenv.NewTree(t))
	c.step("run.once", "10-a.sh", "")
	testenv.Mkdir(t, c.Config.StorageBaseDir)
	lock, err := fsutil.TryLock(c.storage(".run-once.lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Unlock()
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx, plainCommand) }()
	testenv.WaitFor(t, "the start waits", func() bool { return strings.Contains(c.log.String(), "waiting for the first start") })
	cause := errors.New("SIGTERM")
	cancel(cause)
	if err := <-ended; !errors.Is(err, cause) || len(c.execs) > 0 {
		t.Errorf("%v, ran %q, want the context's cause", err, c.execs)
	}
	c.wantSteps()
}

// The storage is what the image's step makes of it: a child image's own may use
// plain os.makedirs, and finds nothing there. What it leaves out is made after it.
func TestStorageIsNotMadeBeforeTheSteps(t *testing.T) {
	c := newContainer(t, testenv.NewTree(t))
	c.step("run.always", "10-look.sh", `! ls -d "$STORAGE_DATA_DIR" 2>/dev/null`)
	c.step("run.once", "00-create-storage-dirs.py", `mkdir "$STORAGE_DATA_DIR" "$STORAGE_LOGS_DIR"`)
	c.onRestore = func(context.Context) {
		if !testenv.Exists(c.Config.BackupDir) {
			t.Errorf("%s does not exist at the restore", c.Config.BackupDir)
		}
	}
	c.start()
	c.wantSteps("10-look.sh", "00-create-storage-dirs.py")
	if !testenv.Exists(c.Config.SupervisorLogs) {
		t.Errorf("%s does not exist after the start", c.Config.SupervisorLogs)
	}
}

// What lies in the image tree is made before that is locked.
func TestDirectoriesInTheTree(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, dir string) {
		tree := testenv.NewTreeAt(t, dir)
		c := newContainer(t, tree, "STORAGE_BASE_DIR="+tree.Path("image/var"), "PROCESS_PID_DIR="+tree.Path("image/pids"))
		c.step("run.once", "00-create-storage-dirs.py", `mkdir "$STORAGE_DATA_DIR"`)
		testenv.Chown(t, dir, 500)
		testenv.Become(t, 500)
		c.start()
		if !testenv.Exists(tree.Path("image/pids")) || !testenv.Exists(c.Config.LogsDir) {
			t.Error("not all directories are there")
		}
	})
}
