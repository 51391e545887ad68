package main

import (
	"bytes"
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m, nil) }

// TestFaults is a slice of the soak: a number of faults, however long they take, and
// those of one seed, whose first world ships its logs. make faults runs others for as long as you like.
func TestFaults(t *testing.T) {
	binary := filepath.Join(testenv.Programs(t), "container-manager")
	soak := filepath.Join(testenv.Dir(t), "faults")
	if out, err := exec.Command("go", "build", "-o", soak, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	args := []string{"-binary", binary, "-trials", "18", "-seed", cmp.Or(os.Getenv("SEED"), "2")}
	out, err := exec.CommandContext(t.Context(), soak, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

// TestBrokenInvariants: each of the checks notices what it is there for.
func TestBrokenInvariants(t *testing.T) {
	storage := t.TempDir()
	w := &world{
		storage: storage, data: filepath.Join(storage, "data"), secret: "planted-secret",
		known: map[string]archiveInfo{"backup-2026-01-02_03:04:05.tar.gz": {}}, corrupted: map[string]bool{},
		acked: map[uint64]bool{1: true, 2: true},
	}
	live := filepath.Join(w.data, "numbers")
	testenv.Write(t, live, "000000000000001\n", 0o644)
	testenv.Write(t, filepath.Join(storage, ".restore-x", "data", "numbers"), "000000000000002\n", 0o644)
	wants(t, w.checkData(), "1 of 2 acknowledged numbers are lost: [2]")
	testenv.Write(t, filepath.Join(storage, "data.before-restore-x", "numbers"), "000000000000002\n", 0o644)
	wants(t, w.checkData(), "")

	wants(t, w.checkArchives(), "is gone, and only 0 are newer")
	clear(w.known)
	half := filepath.Join(storage, "backup", "backup-2026-01-02_03:04:06.tar.gz")
	testenv.Write(t, half, "\x1f\x8b\x08\x00", 0o644)
	wants(t, w.checkArchives(), "backup-2026-01-02_03:04:06.tar.gz: unexpected EOF")

	wants(t, w.checkFirstStart(), "no such file")
	testenv.Write(t, filepath.Join(storage, ".run-once.completed"), "", 0o644)
	testenv.Write(t, filepath.Join(storage, "once"), "begun\ndone\nbegun\n", 0o644)
	wants(t, w.checkFirstStart(), "after 0 kills")
	w.kills = 1
	wants(t, w.checkFirstStart(), "")

	ahead := filepath.Join(storage, "backup", "backup-2999-01-02_03:04:05.tar.gz")
	w.future = []string{ahead}
	wants(t, w.checkFuture(), "no such file")
	testenv.Write(t, ahead, "", 0o644)
	if testenv.Write(t, half, "", 0o644); len(w.archives()) != 1 {
		t.Errorf("the archives are %v", w.archives())
	}
	wants(t, w.checkFuture(), "")

	secret := filepath.Join(storage, "logs-a", "log")
	wants(t, w.checkSecret(), "")
	testenv.Write(t, secret, "with "+w.secret, 0o600)
	wants(t, w.checkSecret(), "has it")
}

func TestLines(t *testing.T) {
	dir := t.TempDir()
	testenv.Write(t, filepath.Join(dir, "log"), "app line 1\napp | app line 2\napp line\n{\"message\":\"app line 33\",\"fields\":{}}\n", 0o644)
	found := parseLines(filepath.Join(dir, "log"), filepath.Join(dir, "none"))
	if len(found) != 3 || !found[1] || !found[2] || !found[33] {
		t.Errorf("found %v", found)
	}
}

func TestMisdate(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "health", "app.json")
	testenv.Write(t, path, `{"last":"2026-03-01T12:00:00Z","why":"2026"}`, 0o600)
	testenv.Write(t, filepath.Join(dir, "log"), `"2026-`, 0o600)
	n, err := misdate(dir, "2038")
	info, _ := os.Stat(path)
	if got := testenv.Read(t, path); err != nil || n != 2 || got != `{"last":"2038-03-01T12:00:00Z","why":"2026"}` || info.ModTime().UTC().Year() != 2038 {
		t.Errorf("%d files, error %v, changed at %s: %s", n, err, info.ModTime(), got)
	}
	if got := testenv.Read(t, filepath.Join(dir, "log")); got != `"2026-` {
		t.Errorf("what is no record is changed: %s", got)
	}
}

func wants(t *testing.T, err error, text string) {
	t.Helper()
	if text == "" && err != nil || text != "" && (err == nil || !strings.Contains(err.Error(), text)) {
		t.Errorf("error %v, expected %q", err, text)
	}
}

func TestTable(t *testing.T) {
	s := &session{worlds: 1, trials: map[string]*tally{}}
	s.count("disk full", 2e9)
	s.count("disk full", 4e9)
	var out bytes.Buffer
	s.printTable(&out)
	if want := "| disk full | 2 | 3.0 s | 4.0 s |\n| all, in 1 worlds | 2 | | |\n"; !strings.HasSuffix(out.String(), want) {
		t.Errorf("%s, expected %s", out.String(), want)
	}
}
