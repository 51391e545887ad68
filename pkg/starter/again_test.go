package starter

import (
	"testing"
	"time"

	"github.com/ZPascal/container-manager/pkg/backoff"
	"github.com/ZPascal/container-manager/pkg/events"
	"github.com/ZPascal/container-manager/pkg/supervisorconf"
)

// A start by hand ends a pause at once, so that the next end begins another one.
func TestNewsAboutPausedPrograms(t *testing.T) {
	a := again{
		queue:   &queue{wake: make(chan struct{}, 1)},
		paused:  map[string]*supervisorconf.Section{"waits": {}, "g:runs": {}},
		records: map[string]backoff.Record{"waits": {InARow: 3, Next: time.Now()}, "g:runs": {InARow: 1}},
	}
	for what, want := range map[[3]string]bool{
		{"STARTING", "waits", "waits"}:   true,
		{"STARTING", "g", "runs"}:        false,
		{"STARTING", "other", "other"}:   false,
		{"EXITED", "g", "runs"}:          true,
		{"EXITED", "other", "other"}:     false,
		{"RUNNING", "waits", "waits"}:    false,
		{"STOPPING", "waits", "waits"}:   false,
		{"EXITED", "waits", "something"}: false,
	} {
		a.queue.add(events.Event{Name: "PROCESS_STATE_" + what[0], Payload: map[string]string{"groupname": what[1], "processname": what[2]}})
		if got := a.isNews(); got != want {
			t.Errorf("%v: %v, want %v", what, got, want)
		}
	}
}
