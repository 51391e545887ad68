package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestSBOM lists what the test's own binary is made of.
func TestSBOM(t *testing.T) {
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := writeSBOM(&b, path, "1.0.0-dev+abc", time.Unix(86400, 0)); err != nil {
		t.Fatal(err)
	}
	var doc document
	if err := json.Unmarshal(b.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Creation.Created != "1970-01-02T00:00:00Z" || doc.Name != filepath.Base(path) {
		t.Errorf("it is %q of %s", doc.Name, doc.Creation.Created)
	}
	var linked []string
	ids := map[string]string{}
	for _, p := range doc.Packages {
		if ids[p.SPDXID] != "" {
			t.Errorf("%s and %s have the same id", p.Name, ids[p.SPDXID])
		}
		ids[p.SPDXID] = p.Name
	}
	for _, r := range doc.Relationships {
		if r.From == program && r.Type == "STATIC_LINK" {
			linked = append(linked, ids[r.To])
		}
	}
	info, _ := debug.ReadBuildInfo()
	want := []string{"stdlib"}
	for _, dep := range info.Deps {
		want = append(want, dep.Path)
	}
	if !slices.Equal(linked, want) {
		t.Errorf("%q are linked, want %q", linked, want)
	}
	main := doc.Packages[0]
	if got, want := main.References[0].Locator, "pkg:golang/github.com/zpascal/container-manager@v1.0.0-dev%2Babc"; got != want {
		t.Errorf("the program is %q, want %q", got, want)
	}
	if len(main.Checksums) != 1 || !strings.HasSuffix(doc.Namespace, main.Checksums[0].Value) {
		t.Errorf("the namespace %q does not end in the sum of the binary %v", doc.Namespace, main.Checksums)
	}
}

func TestSBOMOfWhatGoDidNotMake(t *testing.T) {
	path := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := writeSBOM(&bytes.Buffer{}, path, "1", time.Unix(0, 0)); err == nil {
		t.Error("a script has a list of modules")
	}
}
