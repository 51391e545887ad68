package web

import (
	"io"
	"net/http"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/ZPascal/container-manager/test/testenv"
)

// However often it is asked, the server holds no more than before.
func TestNoGrowth(t *testing.T) {
	testenv.NotQuick(t)
	r := newRig(t).filled()
	start := r.now
	begun := time.Now()
	r.Now = func() time.Time { return start.Add(1000 * time.Since(begun)) } // a picture lives for a millisecond
	address := r.serving()
	ask := func(n int) {
		for i := range n {
			resp, err := http.Get("http://" + address + []string{"/metrics", "/livez", "/"}[i%3])
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
	}
	held := func() (memory uint64, goroutines, files int) {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		entries, _ := os.ReadDir("/proc/self/fd")
		return m.HeapAlloc, runtime.NumGoroutine(), len(entries)
	}
	ask(300)
	memory, goroutines, files := held()
	ask(6000)
	more := func() bool {
		m, g, f := held()
		return m < memory+2<<20 && g <= goroutines+2 && f <= files+2
	}
	testenv.WaitFor(t, "what the server holds is as before", more)
	if r.asked.Load() < 10 {
		t.Errorf("supervisord was asked only %d times", r.asked.Load())
	}
}
