package backup

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ZPascal/container-manager/pkg/fsutil"
)

func TestList(t *testing.T) {
	v := withPaths(t)
	v.Config.ImageName, v.Config.ImageVersion, v.Config.AppName, v.Config.AppVersion = "shop", "7", "web", "1.2"
	v.Config.BackupRetention.Newest = 0
	made, err := v.Backup(t.Context())
	must(t, err)
	v.plainArchive("backup-2020-01-02_03:04:05.tar.gz")
	v.plainArchive("backup-before-upgrade.tar.gz")
	write(t, filepath.Join(v.Config.BackupDir, "backup-2019-01-02_03:04:05.tar.gz"), "broken")
	copied := filepath.Join(v.Config.BackupDir, "backup-2018-01-02_03:04:05.tar.gz")
	must(t, os.WriteFile(copied, []byte(read(t, made.Archive)), 0o600)) // the index does not know it

	list, err := v.List(t.Context())
	must(t, err)
	var got []string
	for _, l := range list {
		files := int64(-1)
		if l.Files != nil {
			files = *l.Files
		}
		got = append(got, fmt.Sprintf("%s verified=%v files=%d %s:%s %s:%s %s", l.Name, l.Verified != nil, files, l.Image, l.ImageVersion, l.App, l.AppVersion, l.Problem))
	}
	want := []string{
		filepath.Base(made.Archive) + " verified=true files=3 shop:7 web:1.2 ",
		"backup-2020-01-02_03:04:05.tar.gz verified=false files=-1 : : ",
		"backup-2019-01-02_03:04:05.tar.gz verified=false files=-1 : : the archive is invalid: unexpected EOF",
		"backup-2018-01-02_03:04:05.tar.gz verified=false files=3 shop:7 web:1.2 ",
		"backup-before-upgrade.tar.gz verified=false files=-1 : : ",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("list\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if list[1].Time == nil || list[1].Time.Format(time.DateTime) != "2020-01-02 03:04:05" || list[4].Time != nil {
		t.Errorf("times %v, %v", list[1].Time, list[4].Time)
	}
	data, err := json.Marshal(list[4])
	must(t, err)
	if !strings.Contains(string(data), `"time":null`) || !strings.Contains(string(data), `"files":null`) {
		t.Errorf("JSON %s", data)
	}

	_, err = v.Verify(t.Context(), copied)
	must(t, err)
	list, err = v.List(t.Context())
	must(t, err)
	if list[3].Verified == nil {
		t.Error("what was verified is not")
	}
	// Another file of the same name was not.
	must(t, os.WriteFile(copied, []byte(read(t, made.Archive)), 0o600))
	must(t, os.Chtimes(copied, time.Time{}, time.Unix(1, 0)))
	list, err = v.List(t.Context())
	must(t, err)
	if list[3].Verified != nil {
		t.Error("what was replaced is verified")
	}
}

func TestVerifyForgetsWhatIsBroken(t *testing.T) {
	v := withPaths(t)
	made, err := v.Backup(t.Context())
	must(t, err)
	info, err := os.Stat(made.Archive)
	must(t, err)
	data := []byte(read(t, made.Archive))
	data[len(data)/2] ^= 0x10
	must(t, os.WriteFile(made.Archive, data, 0o600))
	must(t, os.Chtimes(made.Archive, time.Time{}, info.ModTime())) // as when a disk does it
	_, err = v.Verify(t.Context(), made.Archive)
	wantError(t, err, made.Archive+": the archive is invalid: ")
	list, err := v.List(t.Context())
	must(t, err)
	if list[0].Verified != nil {
		t.Error("it is still said to be verified")
	}
}

// TestListOfMany is about the number of archives: that listing them reads a
// block of each at most.
func TestListOfMany(t *testing.T) {
	v := withPaths(t)
	made, err := v.Backup(t.Context())
	must(t, err)
	data := []byte(read(t, made.Archive))
	at := time.Date(2020, 1, 1, 0, 0, 0, 0, time.Local)
	for i := range 1000 {
		name := namePrefix + at.AddDate(0, 0, i).Format(stampFormat) + nameSuffix
		must(t, os.WriteFile(filepath.Join(v.Config.BackupDir, name), data[:600], 0o600))
	}
	list, err := v.List(t.Context())
	must(t, err)
	if len(list) != 1001 {
		t.Fatalf("%d archives", len(list))
	}
	for _, l := range list {
		if l.Files == nil || *l.Files != 3 {
			t.Fatalf("%+v", l)
		}
	}
}

func TestDryRun(t *testing.T) {
	v := withPaths(t)
	v.Config.BackupRetention.Newest = 1
	v.Config.BackupStop = []string{"web"}
	v.Config.BackupExclude = []string{"cache"}
	v.Config.BackupPaths = append(v.Config.BackupPaths, "/nonexistent")
	v.backupScript("a.sh", "echo no >"+filepath.Join(v.Config.RunDir, "ran"))
	write(t, filepath.Join(v.Config.BackupScriptsDir, "b.sh"), "no shebang")
	putScript(t, filepath.Join(v.Config.BackupPostDir, "copy.sh"), "")
	old := v.plainArchive("backup-2020-01-02_03:04:05.tar.gz")
	before, archives := v.state(), names(t, v.Config.BackupDir)
	var b bytes.Buffer
	must(t, v.DryRun(t.Context(), &b))
	lines := strings.Split(b.String(), "\n")
	for i, want := range []string{
		"stop web",
		"run " + filepath.Join(v.Config.BackupScriptsDir, "a.sh"),
		"run " + filepath.Join(v.Config.BackupScriptsDir, "b.sh") + "  # fails: ",
		"pack " + v.Config.DataDir + ": 1 files, 8 bytes",
		"pack " + v.Config.ConfDir + ": 1 files, 12 bytes",
		"pack /nonexistent  # fails: ",
		"make " + filepath.Join(v.Config.BackupDir, "backup-"),
		"start web",
		"then run " + filepath.Join(v.Config.BackupPostDir, "copy.sh"),
		"delete " + old + " (keep the newest 1)",
		"",
	} {
		if i >= len(lines) || !strings.HasPrefix(lines[i], want) {
			t.Fatalf("line %d lacks %q:\n%s", i+1, want, b.String())
		}
	}
	if v.state() != before || len(names(t, v.Config.BackupDir)) != len(archives) || fsutil.Exists(filepath.Join(v.Config.RunDir, "ran")) {
		t.Error("something was done")
	}
}
