package shipping

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/internal/redistest"
	"github.com/ZPascal/container-manager/test/testenv"
)

// event is what filebeat makes of a line.
type event struct {
	Message string
	Fields  map[string]any
	Log     struct{ File struct{ Path string } }
}

func parse(t *testing.T, entry string) event {
	t.Helper()
	var e event
	if err := json.Unmarshal([]byte(entry), &e); err != nil {
		t.Fatalf("%v in %.200q", err, entry)
	}
	return e
}

// shipped counts the messages of a list that begin with a prefix.
func shipped(t *testing.T, s *redistest.Server, prefix string) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, entry := range s.List(0, "filebeat") {
		if e := parse(t, entry); strings.HasPrefix(e.Message, prefix) {
			counts[e.Message]++
		}
	}
	return counts
}

// waitShipped waits until this many different messages with a prefix are there,
// and returns how often each is.
func waitShipped(t *testing.T, s *redistest.Server, prefix string, n int) map[string]int {
	t.Helper()
	var counts map[string]int
	seen := -1
	testenv.WaitFor(t, fmt.Sprintf("%d messages %s", n, prefix), func() bool {
		if length := s.Len("filebeat"); length != seen { // nothing is read for nothing
			seen, counts = length, shipped(t, s, prefix)
		}
		return len(counts) >= n
	})
	return counts
}

// once reports what is not there exactly once.
func once(t *testing.T, counts map[string]int, want ...string) {
	t.Helper()
	for _, message := range want {
		if counts[message] != 1 {
			t.Errorf("%q was shipped %d times, want once", message, counts[message])
		}
		delete(counts, message)
	}
	for message := range counts {
		t.Errorf("%q was shipped, though nobody said so", message)
	}
}
