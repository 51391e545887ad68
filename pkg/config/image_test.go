package config

import (
	"os"
	"regexp"
	"slices"
	"testing"
)

// newer are the variables that no image of the Python version can name. The images
// do not declare them, so that their defaults derive.
var newer = []string{
	"IMAGE_RUN_DIR", "IMAGE_TEMPLATES_DIR", "IMAGE_TEMPLATES_TARGET", "IMAGE_SETUP_RUNFINISH_DIR", "IMAGE_MAIN_PROGRAM", "IMAGE_ESSENTIAL_PROGRAMS", "IMAGE_RESTART_BACKOFF", "IMAGE_FINISH_TIMEOUT", "IMAGE_TERMINATION_LOG",
	"IMAGE_BACKUP_PATHS", "IMAGE_BACKUP_EXCLUDE", "IMAGE_BACKUP_STOP_PROGRAMS", "IMAGE_BACKUP_SCRIPT_TIMEOUT", "IMAGE_BACKUP_POST_DIR",
	"IMAGE_BACKUP_AGE_RECIPIENTS", "IMAGE_BACKUP_AGE_PASSPHRASE_FILE", "IMAGE_BACKUP_AGE_IDENTITY_FILE",
	"IMAGE_RESTORE_ON_FIRST_START", "IMAGE_RESTORE_MAX_SIZE", "IMAGE_RESTORE_MAX_FILES",
	"IMAGE_BACKUP_PING_URL", "IMAGE_NOTIFY_DIR", "IMAGE_NOTIFY_URL", "IMAGE_NOTIFY_EVERY", "IMAGE_NOTIFY_TIMEOUT",
	"IMAGE_CRON_STRICT", "IMAGE_CRON_JOB_TIMEOUT", "IMAGE_HEALTH_TIMEOUT", "IMAGE_HEALTH_FAILURE_THRESHOLD", "IMAGE_HEALTH_GRACE", "IMAGE_HEALTH_CRASHES", "IMAGE_HEALTH_MAX_RESTARTS", "IMAGE_START_TIMEOUT",
	"IMAGE_HTTP_ADDRESS", "IMAGE_HTTP_TOKEN_FILE", "IMAGE_HTTP_LOGS",
	"LOGGING_REDIS_PORT", "LOGGING_REDIS_PASSWORD_FILE", "LOGGING_REDIS_DB", "LOGGING_REDIS_KEY", "LOGGING_REDIS_TLS", "LOGGING_REDIS_CA_FILE",
	"IMAGE_LOG_STDOUT", "IMAGE_LOG_FORMAT", "IMAGE_LOG_LEVEL", "NO_COLOR",
}

// TestImagesDeclareTheVariables compares the ENV block of both base images with
// the declarations.
func TestImagesDeclareTheVariables(t *testing.T) {
	original := map[string]string{}
	for _, v := range Variables() {
		original[v.Name] = os.Expand(v.Default, func(name string) string { return original[name] })
	}
	original["TZ"] = "Europe/Berlin"
	for _, name := range newer {
		if _, ok := original[name]; !ok {
			t.Errorf("%s is no variable any more: take it off the list above", name)
		}
		delete(original, name)
	}
	block := regexp.MustCompile(`(?m)^ENV (?:.*\\\n)+.*`)
	entry := regexp.MustCompile(`(\w+)="([^"]*)"`)
	for _, file := range []string{"../../Dockerfile.alpine", "../../examples/debian/Dockerfile"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var declared []string
		for _, match := range entry.FindAllStringSubmatch(block.FindString(string(text)), -1) {
			name, value := match[1], match[2]
			declared = append(declared, name)
			if want, ok := original[name]; !ok || value != want {
				t.Errorf("%s: ENV %s=%q, want %q", file, name, value, want)
			}
		}
		for name, value := range original {
			if !slices.Contains(declared, name) {
				t.Errorf("%s: want ENV %s=%q, or the name on the list of newer variables above", file, name, value)
			}
		}
	}
}
