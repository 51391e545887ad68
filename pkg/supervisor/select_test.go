package supervisor

import (
	"strings"
	"testing"

	"github.com/abrander/go-supervisord"
)

func TestSelect(t *testing.T) {
	var all []supervisord.ProcessInfo
	for _, full := range []string{"app", "both:one", "both:two", "many:many_0", "many:many_1", "x:same", "y:same", "web:web", "web:api"} {
		group, name, qualified := strings.Cut(full, ":")
		if !qualified {
			name = group
		}
		all = append(all, supervisord.ProcessInfo{Group: group, Name: name})
	}
	for name, want := range map[string]string{
		"app":         "app",
		"app:app":     "app",
		"app:*":       "app",
		"both:*":      "both:one both:two",
		"both:":       "both:one both:two",
		"both":        "both:one both:two",
		"both:one":    "both:one",
		"one":         "both:one",
		"many":        "many:many_0 many:many_1",
		"web":         "web",
		"same":        "",
		"x:same":      "x:same",
		"both:three":  "",
		"nobody":      "",
		"":            "",
		"*":           "",
		"app:app:app": "",
	} {
		var names []string
		for _, p := range Select(all, name) {
			names = append(names, Name(p))
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%q stands for %q, want %q", name, got, want)
		}
	}
}

func TestStands(t *testing.T) {
	for name, want := range map[string]bool{"crond": true, "crond:crond": true, "crond:*": true, "app": false, "": false} {
		if got := Stands(name, "crond", "crond"); got != want {
			t.Errorf("%q stands for crond: %v", name, got)
		}
	}
	if Stands("", "", "") {
		t.Error("no name stands for no process")
	}
}
