package supervisor

import (
	"errors"
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

func TestSelectAll(t *testing.T) {
	all := []supervisord.ProcessInfo{{Group: "app", Name: "app"}, {Group: "both", Name: "one"}, {Group: "both", Name: "two"}}
	selected, err := SelectAll(all, []string{"both:*", "one", "app"})
	if err != nil || len(selected) != 3 || Name(selected[2]) != "app" {
		t.Errorf("%v, %v, want each once", selected, err)
	}
	for _, name := range []string{"nobody", "both:three", "nobody:*", "", "app ", "../app"} {
		if _, err := SelectAll(all, []string{"app", name}); !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), "container-manager status lists all") {
			t.Errorf("%q: error %v, want ErrUnknown", name, err)
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
