package health

import (
	"testing"
	"time"

	"github.com/ZPascal/container-manager/pkg/config"
)

// Where nobody can end the container, a check goes on restarting.
func TestRestartsThatDoNotHelpGoOn(t *testing.T) {
	r := newRunningRig(t)
	r.config.HealthRestarts = config.Rate{Count: 1, Within: time.Hour}
	r.probe("check-app.sh", "exit 1")
	r.check(Readiness)
	r.wantSpawned("app", 2)
	r.age("app")
	later := time.Now().Add(time.Minute) // a check may restart it again
	r.now = func() time.Time { return later }
	r.check(Readiness)
	r.wantSpawned("app", 3)
	r.wantLog("app was restarted by checks 1 times in 1h0m0s (IMAGE_HEALTH_MAX_RESTARTS), and that has not helped: check-app.sh of the readiness check failed: ended with exit status 1")
	r.wantLog("but the container cannot be ended: no first process waits to be told")
	if n := len(ReadRecord(r.config, "app").ByCheck); n != 2 {
		t.Errorf("%d restarts by checks are on record", n)
	}
}

func TestRestartsByChecksAreBounded(t *testing.T) {
	var r Record
	for range 2 * config.MaxRate {
		r = r.restarted(time.Now(), "", true)
	}
	if r = r.restarted(time.Now(), "", false); len(r.ByCheck) != config.MaxRate || r.Restarts != 2*config.MaxRate+1 {
		t.Errorf("%d restarts, %d are kept", r.Restarts, len(r.ByCheck))
	}
}
