package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCompare(t *testing.T) {
	write := func(files map[string]string) string {
		dir := t.TempDir()
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	one := write(map[string]string{"a": "1", "b": "2"})
	if names, err := compare(one, write(map[string]string{"a": "1", "b": "2"})); err != nil || len(names) != 2 {
		t.Errorf("the same files are %q, %v", names, err)
	}
	for what, tt := range map[string]struct {
		files map[string]string
		want  string
	}{
		"another file":  {map[string]string{"a": "1", "b": "3"}, "b differs"},
		"one file less": {map[string]string{"a": "1"}, "b: no such file"},
		"one file more": {map[string]string{"a": "1", "b": "2", "c": ""}, "only the second build has c"},
	} {
		if _, err := compare(one, write(tt.files)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", what, err, tt.want)
		}
	}
}

// TestCheckBinary takes the test's own binary for one of another processor.
func TestCheckBinary(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := checkBinary(self, machines["linux/s390x"]); err == nil || !strings.Contains(err.Error(), "want EM_S390") {
		t.Errorf("its processor: %v", err)
	}
}
