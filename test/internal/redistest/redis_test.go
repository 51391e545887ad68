package redistest_test

import (
	"slices"
	"testing"

	"github.com/ZPascal/container-manager/test/internal/redistest"
)

func TestServer(t *testing.T) {
	for name, options := range map[string]redistest.Options{
		"plain": {}, "password": {Password: ` "'\#$`}, "TLS": {TLS: true, Password: "x"}, "small": {MaxMemory: "10mb"},
	} {
		t.Run(name, func(t *testing.T) {
			s := redistest.Start(t, options)
			s.Do(0, "RPUSH", "list", "one", "two")
			s.Stop()
			s.Start()
			if got := s.List(0, "list"); s.Len("list") != 2 || !slices.Equal(got, []string{"one", "two"}) {
				t.Errorf("after a restart the list holds %q", got)
			}
			if got := s.List(1, "list"); len(got) > 0 {
				t.Errorf("another database holds %q", got)
			}
		})
	}
}
