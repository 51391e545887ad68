package web

import (
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/test/testenv"
)

// hang lets everybody hang who reads the record of backups, until the returned function is called.
func (r *rig) hang() (end func()) {
	r.t.Helper()
	record := filepath.Join(r.Config.BackupDir, ".last-backup.json")
	if err := unix.Mkfifo(record, 0o600); err != nil {
		r.t.Fatal(err)
	}
	end = sync.OnceFunc(func() {
		w, err := os.OpenFile(record, os.O_RDWR, 0)
		if err != nil {
			r.t.Error(err)
			return
		}
		if err := os.Remove(record); err != nil { // nobody else is to open it
			r.t.Error(err)
		}
		_ = w.Close()
	})
	r.t.Cleanup(end)
	return end
}

// While the storage hangs, one goroutine hangs with it, and everybody gets an answer.
func TestStorageHangs(t *testing.T) {
	testenv.EverLonger(t, "metrics and page", func(limit time.Duration) bool {
		r := newRig(t)
		r.Patience = limit
		r.h = r.Handler()
		end := r.hang()
		before := runtime.NumGoroutine()
		var refused atomic.Int32
		for range 3 { // each round has a picture of its own
			var all sync.WaitGroup
			for i := range 30 {
				all.Go(func() {
					if w := r.get([]string{"/metrics", "/"}[i%2]); w.Code == 503 && w.Body.String() == busy {
						refused.Add(1)
					}
				})
			}
			all.Wait()
			r.later()
		}
		if n := refused.Load(); n != 90 {
			t.Fatalf("%d of 90 were told that the storage hangs", n)
		}
		testenv.WaitFor(t, "only one goroutine hangs", func() bool { return runtime.NumGoroutine() <= before+1 })
		r.want(200, "ok", "/livez")
		r.want(200, "ok", "/readyz")
		end()
		// A machine that is slow needs a longer limit.
		for range 20 {
			if r.get("/metrics").Code == 200 && r.get("/").Code == 200 {
				return true
			}
		}
		return false
	})
}
