package cron

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ZPascal/container-manager/test/testenv"
)

func TestCheckHistory(t *testing.T) {
	dir := t.TempDir()
	e := labelled(t, "# name: report\n@daily report\n")[0]
	path := filepath.Join(dir, "report.json")
	now := time.Date(2026, 1, 3, 4, 0, 0, 0, time.UTC)
	const head = `{"job":"report","file":"/x/kubernetes",`
	const failed = `"last":{"began":"2026-01-03T03:00:00Z","ended":"2026-01-03T03:00:01Z","result":"failed","exit_status":3}`
	const good = `"last_success":"2026-01-03T02:00:00Z"`
	for _, test := range []struct {
		record string
		newer  time.Duration
		want   string
	}{
		{"", time.Hour, "report has not run yet"},
		{head + failed + "," + good + "}", 3 * time.Hour, ""},
		{head + failed + "," + good + "}", 0, ""},
		{head + failed + "," + good + "}", 2 * time.Hour, "report went well last 2h0m0s ago, which is not newer than 2h0m0s; the last run, 1h0m0s ago: exit status 3"},
		{head + failed + "}", 0, "report has not gone well yet; the last run, 1h0m0s ago: exit status 3"},
		{head + failed + `,"last_success":"2026-01-05T00:00:00Z"}`, time.Hour, "report went well last at 2026-01-05T00:00:00Z, which is in the future: is the clock right?"},
		{`{"job":`, time.Hour, "the record of report, " + path + ", is damaged: its next run writes it anew"},
		{`{"job":"report","file":"/other",` + failed + "}", time.Hour, "report has not run yet: " + path + " is about a former job of this name, or no run"},
	} {
		if test.record != "" {
			testenv.Write(t, path, test.record, 0o600)
		}
		got := ""
		if err := CheckHistory(dir, e, test.newer, now); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%s: error %q, want %q", test.record, got, test.want)
		}
	}
	_ = os.Remove(path)
	testenv.Mkdir(t, path)
	if err := CheckHistory(dir, e, 0, now); err == nil || err.Error() != "the record of report cannot be read: read "+path+": is a directory" {
		t.Errorf("a directory: %v", err)
	}
}
