package cron

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/script"
	"github.com/ZPascal/container-manager/test/testenv"
)

func labelled(t *testing.T, crontab string) Table {
	t.Helper()
	table, err := Parse(strings.NewReader(crontab), "/x/kubernetes")
	if err != nil {
		t.Fatal(err)
	}
	table.SetLabels(func(command string) string {
		if strings.Contains(command, "backup.py") {
			return "backup"
		}
		return ""
	})
	return table
}

func TestLabels(t *testing.T) {
	table := labelled(t, `# name: nightly "report" <script>
# It has a comment below its name.
0 3 * * * secret
# name: lost, because a line is between

@daily b
#name:  tab	and `+"\x01"+`control
JOB_NAME=in-front CRON_TZ=UTC 0 4 * * * c
JOB_NAME=of all below
@hourly /image/backup/backup.py
@weekly /image/backup/backup.py
# Name: `+strings.Repeat("ä", 40)+`
@daily d
# name:
@daily e
# name: report
@daily f
# name: report
@daily g
`)
	want := []string{
		`nightly "report" <script>`, "kubernetes:6", "in-front", "backup", "backup (2)", strings.Repeat("ä", 32), "kubernetes:15", "report", "report (2)",
	}
	for i, e := range table {
		if e.Label != want[i] {
			t.Errorf("%s:%d is called %q, want %q", e.File, e.Line, e.Label, want[i])
		}
	}
	if table[2].Spec != "CRON_TZ=UTC 0 4 * * *" || table[2].Command != "c" {
		t.Errorf("entry %+v", table[2])
	}
	if env := table[3].Env; len(env) != 1 || env[0] != "JOB_NAME=of all below" {
		t.Errorf("variables %q", env)
	}
}

func TestBadNames(t *testing.T) {
	for line, want := range map[string]string{
		"JOB_NAME= 0 3 * * * x":                                "expected one word of at most 64 printable characters",
		"JOB_NAME=" + strings.Repeat("n", 65) + " @daily x":    "expected one word of at most 64 printable characters",
		"JOB_NAME=a\x01b @daily x":                             "expected one word of at most 64 printable characters",
		"JOB_NAME=x @daily":                                    "no command behind the schedule",
		"CRON_TZ=UTC JOB_NAME=x 0 3 * * * x":                   "JOB_NAME=",
		`JOB_NAME="nightly report" 0 3 * * * /image/report.sh`: "goes on behind its closing",
	} {
		_, err := Parse(strings.NewReader(line), "crontab")
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "crontab:1: ") {
			t.Errorf("%q: %v, want %q", line, err, want)
		}
	}
}

// newHistories is what a cron keeps of a table.
func newHistories(t *testing.T, dir string, table Table) *histories {
	t.Helper()
	h := openHistories(dir, log.New(os.Stderr, log.Options{}))
	h.use(table, []string{"/x/kubernetes"})
	return h
}

func TestHistory(t *testing.T) {
	dir := filepath.Join(testenv.Dir(t), "jobs")
	table := labelled(t, "# name: a/b\n@daily x\n@daily y\n")
	h := newHistories(t, dir, table)
	begin := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	at := begin
	h.now = func() time.Time { return at }
	for _, err := range []error{
		nil, &script.Error{Status: 3}, &script.Error{Signal: unix.SIGKILL}, &script.Error{Timeout: time.Minute}, &script.Error{Err: errors.New("no such file")}, errEnding,
	} {
		ended := h.began(table[0], begin)
		at = at.Add(2500 * time.Millisecond)
		ended(err)
	}
	h.skipped(table[0])
	got := ReadHistory(dir, table[0])
	runs, failures := got.Runs()
	if runs != 6 || failures != 4 || got.Skipped != 1 || got.Last.Result != Stopped || !got.LastSuccess.Equal(begin.Add(2500*time.Millisecond)) || got.Last.Seconds != 15 {
		t.Errorf("history %+v, last %+v", got, got.Last)
	}
	if mode := testenv.Mode(t, historyPath(dir, "a/b")); mode != 0o600 {
		t.Errorf("mode %v", mode)
	}

	// A cron that is killed leaves a run without an end.
	h.began(table[1], begin)
	if got := ReadHistory(dir, table[1]); got.Last.String() != "running" {
		t.Errorf("last %+v", got.Last)
	}
	h = newHistories(t, dir, table)
	h.skipped(table[1])
	if got := ReadHistory(dir, table[1]); got.Last.Result != Lost || got.Counts[Lost] != 1 {
		t.Errorf("history %+v", got)
	}
}

func TestRunsSayHowTheyEnded(t *testing.T) {
	for want, err := range map[string]error{
		"exit status 0":   nil,
		"exit status 3":   &script.Error{Status: 3},
		"ended by SIGHUP": &script.Error{Signal: unix.SIGHUP},
		"killed after its time (IMAGE_CRON_JOB_TIMEOUT)": &script.Error{Timeout: time.Minute},
		"cannot start sh: no such file":                  &script.Error{Path: "sh", Err: errors.New("no such file")},
		"stopped, because cron ended":                    errEnding,
	} {
		var r Run
		if r.end(time.Now(), err); r.String() != want {
			t.Errorf("%q, want %q", r.String(), want)
		}
	}
}

// Only the jobs of the crontab have histories, and a job's own.
func TestHistoriesOfOtherJobs(t *testing.T) {
	dir := filepath.Join(testenv.Dir(t), "jobs")
	before := labelled(t, "# name: stays\n@daily a\n# name: goes\n@daily b\n@daily c\n@daily d\n")
	h := newHistories(t, dir, before)
	for _, e := range before {
		h.began(e, time.Now())(nil)
	}
	late := h.began(before[1], time.Now())
	testenv.Write(t, filepath.Join(dir, "other.json"), `{"job":"other","file":"/another/crontab"}`, 0o600)
	testenv.Write(t, filepath.Join(dir, "damaged.json"), `{"job":`, 0o600)

	after := labelled(t, "# name: stays\n@hourly a, but otherwise\n\n\n@daily another\n@daily d\n")
	h.use(after, []string{"/x/kubernetes"})
	late(nil)
	for i, want := range []int{1, 0, 1} {
		if runs, _ := ReadHistory(dir, after[i]).Runs(); runs != want {
			t.Errorf("%s has run %d times, want %d", after[i].Label, runs, want)
		}
	}
	names, _ := filepath.Glob(dir + "/*")
	for i := range names {
		names[i] = filepath.Base(names[i])
	}
	if got := strings.Join(names, " "); got != "kubernetes:6.json other.json stays.json" {
		t.Errorf("files %s", got)
	}
}

func TestDamagedHistories(t *testing.T) {
	dir := testenv.Dir(t)
	e := labelled(t, "# name: j\n@daily x\n")[0]
	whole, _ := json.Marshal(History{Job: "j", File: e.File, Counts: map[Result]int{OK: 2}})
	for _, text := range []string{
		"", "{", string(whole[:len(whole)/2]), "null", "[]", `{"job":3}`, `{"job":"other"}`, `{"job":"j","file":"/x/kubernetes","counts":{"ok":-1}}`,
	} {
		testenv.Write(t, historyPath(dir, "j"), text, 0o600)
		if got := ReadHistory(dir, e); got.Last != nil || got.Counts != nil || got.Job != "j" {
			t.Errorf("%q is %+v", text, got)
		}
	}
	testenv.Write(t, historyPath(dir, "j"), strings.Replace(string(whole), "{", `{"version":7,`, 1), 0o600)
	if runs, _ := ReadHistory(dir, e).Runs(); runs != 2 {
		t.Errorf("a later version's has %d runs", runs)
	}
}

// Without a container there is no place for histories, and jobs run all the same.
func TestNoPlaceForHistories(t *testing.T) {
	table := labelled(t, "@daily x\n")
	h := newHistories(t, filepath.Join(testenv.Dir(t), "none", "jobs"), table)
	h.began(table[0], time.Now())(nil)
	h = newHistories(t, "", table)
	h.began(table[0], time.Now())(nil)
}
