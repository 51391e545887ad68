package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Levels are the levels of our own log.
func Levels() []string { return []string{"debug", "info", "warn", "error"} }

// LevelPath is the file with the level that a person has chosen for this life of the
// container. Mostly there is none.
func LevelPath(runDir string) string { return filepath.Join(runDir, "log-level") }

// ChosenLevel is the level that a person has chosen, or "".
func ChosenLevel(runDir string) string {
	data, err := os.ReadFile(LevelPath(runDir))
	if level := strings.TrimSpace(string(data)); err == nil && slices.Contains(Levels(), level) {
		return level
	}
	return ""
}
