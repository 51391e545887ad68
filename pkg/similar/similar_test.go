package similar

import "testing"

func TestNearest(t *testing.T) {
	known := []string{"autostart", "autorestart", "command", "user", "IMAGE_BACKUP_PATHS", "IMAGE_HEALTH_GRACE", "run.always"}
	for name, want := range map[string]string{
		"auto_restart":       "autorestart",
		"comand":             "command",
		"Command":            "command",
		"IMAGE_BACKUP_PATH":  "IMAGE_BACKUP_PATHS",
		"IMAGE_HEALTH_GRAEC": "IMAGE_HEALTH_GRACE",
		"run.alway":          "run.always",
		"IMAGE_BACKUP_PLACE": "",
		"use":                "", // too short to tell
		"something":          "",
		"":                   "",
	} {
		if got := Nearest(name, known); got != want {
			t.Errorf("%q is near %q, want %q", name, got, want)
		}
	}
}
