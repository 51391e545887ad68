package backup

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ZPascal/container-manager/test/testenv"
)

func TestCheckLast(t *testing.T) {
	r := newVolume(t).Runner
	testenv.Mkdir(t, r.Config.BackupDir)
	path := filepath.Join(r.Config.BackupDir, lastName)
	now := time.Date(2026, 1, 3, 4, 0, 0, 0, time.UTC)
	const good = `{"began":"2026-01-02T03:00:00Z","ended":"2026-01-02T04:00:00Z","status":"ok","size":7}`
	for record, want := range map[string]string{
		"": "no backup has been made yet: " + path + " does not exist",
		`{"last":` + good + `,"last_success":` + good + `}`:                                                         "",
		`{"last":{"began":"2026-01-03T03:00:00Z","status":"failed","error":"no room"},"last_success":` + good + `}`: "",
		`{"last":{"began":"2026-01-03T03:00:00Z","status":"failed","error":"no room"}}`:                             "no backup has gone well yet; the last one, 1h0m0s ago, failed: no room",
		`{"last":{"began":"2026-01-03T03:00:00Z","status":"incomplete","problems":2}}`:                              "no backup has gone well yet; the last one, 1h0m0s ago, is incomplete: warnings and errors in its log: 2",
		`{"last":{"began":"2026-01-03T03:00:00Z","status":"running"}}`:                                              "no backup has gone well yet; the last one, 1h0m0s ago, failed: it was killed before it could end",
		`{"last":`: "the record of the last backup, " + path + ", is damaged: the next backup writes it anew",
		`{"last":{"began":"2026-01-03T03:00:00Z","size":-1}}`: "the record of the last backup, " + path + ", is of another version, or damaged: the next backup writes it anew",
		`{}`: "the record of the last backup, " + path + ", is of another version, or damaged: the next backup writes it anew",
	} {
		if record != "" {
			testenv.Write(t, path, record, 0o640)
		}
		checked(t, record, CheckLast(r.Config, 26*time.Hour, now), want)
		_ = os.Remove(path)
	}

	testenv.Write(t, path, `{"last":`+good+`,"last_success":`+good+`}`, 0o640)
	checked(t, "old", CheckLast(r.Config, 24*time.Hour, now), "the last backup that went well ended 24h0m0s ago, which is not newer than 24h0m0s")
	checked(t, "any age", CheckLast(r.Config, 0, now), "")
	checked(t, "future", CheckLast(r.Config, 26*time.Hour, now.AddDate(0, 0, -2)), "the last backup that went well ended at 2026-01-02T04:00:00Z, which is in the future: is the clock right?")
	testenv.Write(t, path, `{"last":{"began":"2026-01-03T03:00:00Z","status":"failed","error":"no room"},"last_success":`+good+`}`, 0o640)
	checked(t, "old and failed", CheckLast(r.Config, time.Hour, now),
		"the last backup that went well ended 24h0m0s ago, which is not newer than 1h0m0s; the last one, 1h0m0s ago, failed: no room")
}

func checked(t *testing.T, what string, err error, want string) {
	t.Helper()
	got := ""
	if err != nil {
		got = err.Error()
	}
	if got != want {
		t.Errorf("%s: error %q, want %q", what, got, want)
	}
}

func TestCheckLastOfARecordThatIsNoFile(t *testing.T) {
	r := newVolume(t).Runner
	path := filepath.Join(r.Config.BackupDir, lastName)
	testenv.Mkdir(t, path)
	checked(t, "a directory", CheckLast(r.Config, 0, time.Now()), "the record of the last backup cannot be read: read "+path+": is a directory")
}
