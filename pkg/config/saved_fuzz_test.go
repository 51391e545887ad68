package config

import (
	"bytes"
	"maps"
	"strings"
	"testing"
)

// FuzzSavedEnviron reads any file as a saved environment, and writes what it holds:
// the same comes out again. So does any value that is written.
func FuzzSavedEnviron(f *testing.F) {
	f.Add([]byte("A=\"b\"\nexport B=c\nC=\"a\\\"\\$\\`\\\\\nB=x\"\n"), "it's $HOME `x` \\\n\"")
	f.Add([]byte("A=\"b"), "\xff\x00")
	f.Fuzz(func(t *testing.T, file []byte, value string) {
		read := ParseEnviron(bytes.NewReader(file))
		size := 0
		environ := []string{"VALUE=" + value}
		for name, value := range read {
			if !IsName(name) {
				t.Errorf("%q is no name", name)
			}
			size += len(name) + len(value)
			environ = append(environ, name+"="+value)
		}
		if size > len(file) {
			t.Errorf("%d bytes out of %d", size, len(file))
		}
		want := map[string]string{"VALUE": value}
		for name, value := range read {
			if !unsaved[name] && name != "VALUE" {
				want[name] = value
			}
		}
		if _, twice := read["VALUE"]; twice {
			return
		}
		saved := FormatEnviron(environ)
		if got := ParseEnviron(bytes.NewReader(saved)); !maps.Equal(got, want) {
			t.Errorf("%q, want %q, out of %q", got, want, saved)
		}
		if strings.Count(string(saved), "\n") < len(want) {
			t.Errorf("fewer lines than variables: %q", saved)
		}
	})
}
