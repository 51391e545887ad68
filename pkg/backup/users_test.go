package backup

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ZPascal/container-manager/pkg/backup/archive"
	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/test/testenv"
)

// inUseBy makes a volume with a backup on which a process appends to the data.
func inUseBy(t *testing.T) (*volume, *supervisor, *exec.Cmd) {
	t.Helper()
	v, s := withPrograms(t)
	_, err := v.Backup(t.Context())
	must(t, err)
	ready := filepath.Join(v.Config.RunDir, "ready")
	cmd := exec.CommandContext(t.Context(), "sh", "-c", `exec 3>>"$1"; : >"$2"; read x`, "app", filepath.Join(v.Config.DataDir, "db", "table"), ready)
	in, err := cmd.StdinPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	testenv.WaitFor(t, "the process has opened its file", func() bool { return fsutil.Exists(ready) })
	s.pids = map[int]string{cmd.Process.Pid: "web"}
	return v, s, cmd
}

func TestRestoreUnderAProgramIsRefused(t *testing.T) {
	v, _, cmd := inUseBy(t)
	before := v.state()
	_, err := v.Restore(t.Context(), Latest)
	wantError(t, err, fmt.Sprintf("process %d (sh) of the program web has open %s/db/table", cmd.Process.Pid, v.Config.DataDir), "--stop NAME", "--force")
	if v.state() != before || len(v.kept()) > 0 {
		t.Errorf("something was touched: %s", v.state())
	}
	v.noLeftovers()

	// Somebody else is stopped; this one still writes.
	v.Stop = []string{"worker"}
	_, err = v.Restore(t.Context(), Latest)
	wantError(t, err, "of the program web has open")
	v.noLeftovers()

	v.Force = true
	_, err = v.Restore(t.Context(), Latest)
	must(t, err)
}

func TestProgramsNamedByHandAreStopped(t *testing.T) {
	v, s := withPrograms(t, "web")
	_, err := v.Backup(t.Context())
	must(t, err)
	s.calls = nil
	v.Stop = []string{"worker", "web"}
	_, err = v.Restore(t.Context(), Latest)
	must(t, err)
	s.want(t, v, "stop web", "stop worker", "start worker", "start web")
}

// TestTakeBackUnderAProgram has a restore killed whose programs run again: the next
// backup stops them, and takes nothing back under a program that it cannot stop.
func TestTakeBackUnderAProgram(t *testing.T) {
	v, s, _ := inUseBy(t)
	v.Stop = []string{"worker"} // of the restore that is killed
	archives, err := Archives(v.Config.BackupDir)
	must(t, err)
	must(t, os.RemoveAll(v.Config.ConfDir))
	v.halfRestored(archives[0].Path, 1) // the configuration, which nobody uses
	v.Stop, s.calls = nil, nil
	_, err = v.Backup(t.Context())
	wantError(t, err, "cannot take the restore of "+archives[0].Path+" back: ", "of the program web has open")
	s.want(t, v, "stop worker", "start worker")
	v.Force = true
	_, err = v.Backup(t.Context())
	must(t, err)
	v.noLeftovers()
}

func TestDiscard(t *testing.T) {
	v, path, _ := inOtherState(t)
	_, err := v.Restore(t.Context(), path)
	must(t, err)
	live := v.state()
	if kept := Kept(v.Config); len(kept) != 1 {
		t.Errorf("kept %q", kept)
	}
	_, err = v.Discard(t.Context())
	must(t, err)
	if kept := v.kept(); len(kept) > 0 || v.state() != live {
		t.Errorf("kept %q, there is %s", kept, v.state())
	}
	v.wantLog("removed " + v.Config.DataDir + keptMark)
}

// TestEntryOfAnotherKind restores archives whose entry for a declared path is not
// of the kind that the path has.
func TestEntryOfAnotherKind(t *testing.T) {
	for name, test := range map[string]struct{ instead, want string }{
		"link": {`ln -s /etc "$1"`, "holds a link for "},
		"file": {`echo x >"$1"`, "holds a file for "},
	} {
		t.Run(name, func(t *testing.T) {
			v := withPaths(t)
			v.Config.BackupPaths = v.Config.BackupPaths[:1]
			data := v.Config.DataDir
			must(t, os.Rename(data, data+".aside"))
			out, err := exec.Command("sh", "-c", test.instead, "sh", data).CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			path := v.rawArchive(t)
			must(t, os.Remove(data))
			must(t, os.Rename(data+".aside", data))
			before := v.state()
			_, err = v.Restore(t.Context(), path)
			wantError(t, err, "the archive is invalid", test.want+data)
			if v.state() != before || len(v.kept()) > 0 {
				t.Errorf("something was touched: %s", v.state())
			}
			v.noLeftovers()
		})
	}
}

// rawArchive packs the declared path as it is, although it may be a link, which
// Backup would follow.
func (v *volume) rawArchive(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "raw.tar.gz")
	w, err := archive.NewWriter(t.TempDir())
	must(t, err)
	dir, err := os.OpenRoot(filepath.Dir(v.Config.DataDir))
	must(t, err)
	defer dir.Close()
	must(t, w.Add(t.Context(), dir, filepath.Base(v.Config.DataDir), archivePath(v.Config.DataDir), nil))
	_, err = w.Finish(path, archive.Head{Paths: []string{v.Config.DataDir}})
	must(t, err)
	return path
}

func TestStageNames(t *testing.T) {
	for name, want := range map[string]bool{
		stageMark + "2026-01-02_03:04:05":        true,
		stageMark + "2026-01-02_03:04:05-abc234": true,
		stageMark + "2026-01-02_03:04:05-abc":    false,
		stageMark + "2026-01-02_03:04:05x":       false,
		stageMark + "of-mine":                    false,
		stageMark:                                false,
		"restore":                                false,
	} {
		if isStage(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
	if name := stageMark + newToken(time.Now()); !isStage(name) || strings.ToLower(name) != name {
		t.Error(name)
	}
}
