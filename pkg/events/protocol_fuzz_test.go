package events

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/pkg/log"
)

// FuzzListen has supervisord send anything: each event is answered once, and
// nothing is written but the files of processes.
func FuzzListen(f *testing.F) {
	f.Add([]byte(event("PROCESS_STATE_RUNNING", "processname:app groupname:app from_state:STARTING pid:2766") + event("TICK_5", "when:1201063880")))
	f.Add([]byte(event("PROCESS_STATE_EXITED", "processname:größe groupname:世界 expected:0 pid:1")))
	f.Add([]byte("eventname:A len:1\n\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		outer := t.TempDir()
		dir := filepath.Join(outer, "state")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		files := Files{PIDDir: dir, StateDir: dir, Log: log.New(io.Discard, log.Options{})}
		handled := 0
		var out strings.Builder
		err := Listen(strings.NewReader(string(data)), &out, func(e Event) {
			handled++
			if e.Name == "" {
				t.Error("an event without a name")
			}
			files.Handle(e)
		})
		if want := "READY\n" + strings.Repeat(processed, handled); out.String() != want {
			t.Errorf("%d events were answered by %q (%v)", handled, out.String(), err)
		}
		if names, _ := filepath.Glob(filepath.Join(outer, "*")); len(names) != 1 {
			t.Errorf("there is something beside the directory: %q", names)
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if name := e.Name(); !strings.HasPrefix(name, prefix) || !strings.HasSuffix(name, pidSuffix) && !strings.HasSuffix(name, stateSuffix) {
				t.Errorf("a file %q", name)
			}
		}
	})
}
