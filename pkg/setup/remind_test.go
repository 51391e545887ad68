package setup

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ZPascal/container-manager/pkg/log"
)

func TestRemind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		stop := Runner{Log: log.New(&out, log.Options{})}.remind("10-slow.sh")
		time.Sleep(35 * time.Second)
		stop()
		time.Sleep(time.Minute)
		for _, want := range []string{"step 10-slow.sh still runs, after 10s\n", "after 20s\n", "after 30s\n"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("want %q, it said\n%s", want, out.String())
			}
		}
		if n := strings.Count(out.String(), "\n"); n != 3 {
			t.Errorf("%d lines, want 3:\n%s", n, out.String())
		}
	})
}
