package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// LeftBehind returns a warning, or "". It names the directories that were moved, and the
// paths that lie below them by default and stayed where they were. That happens because
// the image declares every variable: a directory that is set alone moves no other. It
// looks at the environment as Load has left it.
func LeftBehind() string {
	if !slices.ContainsFunc(variables(), func(v Variable) bool {
		return v.kind == "path" && strings.HasPrefix(v.Default, "$") && os.Getenv(v.Name) != os.ExpandEnv(v.Default)
	}) {
		return "" // mostly every directory lies at its default below its parent
	}
	var moved, behind []string
	original := map[string]string{} // the path that a variable has when nothing is moved
	above := map[string][]string{}  // the variables of the directories that it lies below
	for _, v := range Variables() {
		if v.kind != "path" || v.Default == "" {
			continue
		}
		original[v.Name] = os.Expand(v.Default, func(name string) string {
			above[v.Name] = append(append(above[v.Name], name), above[name]...)
			return original[name]
		})
		wasMoved := func(name string) bool { return slices.Contains(moved, name) }
		if filepath.Clean(os.Getenv(v.Name)) != original[v.Name] {
			moved = append(moved, v.Name)
		} else if slices.ContainsFunc(above[v.Name], wasMoved) {
			behind = append(behind, v.Name)
		}
	}
	moved = slices.DeleteFunc(moved, func(name string) bool {
		return !slices.ContainsFunc(behind, func(b string) bool { return slices.Contains(above[b], name) })
	})
	if len(behind) == 0 {
		return ""
	}
	return fmt.Sprintf("%s moves one directory alone: these stay where they were unless you set them too: %s",
		strings.Join(moved, ", "), strings.Join(behind, ", "))
}
