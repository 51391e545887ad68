package health

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/scriptdir"
)

// FuzzResults reads anything as the results of probes and as the record of a
// program. What is accepted can be judged by, and is read as the same again.
func FuzzResults(f *testing.F) {
	f.Add([]byte(`{"check-app.sh":{"probe":"check-app.sh","program":"app","healthy":false,"failures":2,"began":"2026-01-02T03:04:05Z","seconds":0.5,"message":"sick"}}`))
	f.Add([]byte(`{"restarts":3,"last":"2026-01-02T03:04:05Z","why":"a person","in_a_row":2}`))
	f.Add([]byte("{"))
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	f.Fuzz(func(t *testing.T, data []byte) {
		c := config.Config{RunDir: t.TempDir(), HealthCron: "*/5 * * * *", CronEnabled: true}
		must(t, os.MkdirAll(programDir(c), 0o755))
		must(t, os.WriteFile(filepath.Join(c.RunDir, "health", "readiness.json"), data, 0o600))
		must(t, os.WriteFile(recordPath(c, "app"), data, 0o600))

		known := readResults(c, Readiness)
		j := judge{Config: c, kind: Readiness, now: now}
		for name, r := range known {
			if r.Probe != name || r.Failures < 0 || r.Began.IsZero() {
				t.Fatalf("%q: %+v", name, r)
			}
			j.about("app")
			j.probe(scriptdir.Probe{Program: "app"}, r, true)
		}
		must(t, known.write(c, Readiness))
		again := readResults(c, Readiness)
		if len(again) != len(known) {
			t.Fatalf("%v is read again as %v", known, again)
		}

		record := ReadRecord(c, "app")
		if wait := record.wait(now); wait < 0 || wait > maxDelay {
			t.Fatalf("a wait of %s by %+v", wait, record)
		}
		if next := record.restarted(now, "", true); next.Restarts <= 0 || next.InARow <= 0 {
			t.Fatalf("%+v becomes %+v", record, next)
		}
	})
}
