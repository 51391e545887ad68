package backup

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// FuzzJournal reads anything as a journal. One that is accepted names nothing but
// declared paths and what restores put beside them, wherever its dots lead.
func FuzzJournal(f *testing.F) {
	t, err := newTarget("/nowhere/data", "2026-01-02_03:04:05-abcdef", nil)
	if err != nil {
		f.Fatal(err)
	}
	t.Swaps = []swap{{Live: t.Live, Kept: t.Kept, Fresh: t.fresh(), Aside: t.Aside}}
	ours, err := json.Marshal(journal{Archive: "backup-1.tar.gz", Stop: []string{"app"}, Targets: []target{t}})
	if err != nil {
		f.Fatal(err)
	}
	if _, err := parseJournal(ours); err != nil {
		f.Fatalf("one of ours: %v", err)
	}
	f.Add(ours)
	f.Add([]byte("null"))
	f.Fuzz(func(t *testing.T, data []byte) {
		j, err := parseJournal(data)
		if err != nil {
			return
		}
		for _, target := range j.Targets {
			if !isStage(filepath.Base(filepath.Clean(target.Stage))) {
				t.Errorf("%q would be removed", target.Stage)
			}
			beside := filepath.Dir(filepath.Clean(target.Live)) + "/"
			for _, s := range target.Swaps {
				for path, mark := range map[string]string{s.Live: "", s.Kept: keptMark, s.Aside: asideMark} {
					if path = filepath.Clean(path); path != "." && (!strings.HasPrefix(path, beside) || !strings.Contains(path, mark)) {
						t.Errorf("%q would be renamed, for %q", path, target.Live)
					}
				}
				if s.Fresh != "" && !strings.Contains(filepath.Clean(s.Fresh), stageMark) {
					t.Errorf("%q would be put in place", s.Fresh)
				}
			}
		}
	})
}

// FuzzIndex reads anything as the index. Archives are listed by it, and what a backup
// notes in it is read again.
func FuzzIndex(f *testing.F) {
	const name = "backup-2026-01-02_03:04:05.tar.gz"
	f.Add([]byte(`{"` + name + `":{"size":1,"mtime":"2026-01-02T03:04:05Z","verified":"2026-01-02T03:04:06Z","head":{"files":-1}}}`))
	f.Add([]byte("null"))
	f.Add([]byte("{"))
	r := Runner{Config: newConfig(f.TempDir())}
	archive := filepath.Join(r.Config.BackupDir, name)
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	if err := errors.Join(os.MkdirAll(r.Config.BackupDir, 0o755), os.WriteFile(archive, []byte("x"), 0o600), os.Chtimes(archive, at, at)); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		must(t, os.WriteFile(r.indexPath(), data, 0o600))
		list, err := r.List(t.Context())
		must(t, err)
		if len(list) != 1 || list[0].Name != name || (list[0].Verified == nil) == (list[0].Problem == "") {
			t.Fatalf("the list is %+v", list)
		}
		r.readIndex()[name] = record{} // as a backup does
	})
}
