package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ZPascal/container-manager/pkg/similar"
)

// Misspelled returns a warning for each variable of an environment whose name is
// nearly one of ours: an IMAGE_BACKUP_PATH without an S backs nothing up. A name that
// only resembles ours in its prefix is the child image's own.
func Misspelled(environ []string) (warnings []string) {
	var known []string
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		name = strings.TrimPrefix(name, "FILE__")
		if !slices.ContainsFunc([]string{"IMAGE_", "STORAGE_", "LOGGING_", "PROCESS_", "SUPERVISOR_"}, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
			continue
		}
		if known == nil {
			for _, v := range variables() {
				known = append(known, v.Name)
			}
		}
		if slices.Contains(known, name) {
			continue
		}
		if meant := similar.Nearest(name, known); meant != "" {
			warnings = append(warnings, fmt.Sprintf("nothing reads the variable %s: did you mean %s?", name, meant))
		}
	}
	slices.Sort(warnings)
	return warnings
}
