package config

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// setEnviron replaces this process's environment for the length of a test.
func setEnviron(t *testing.T, environ ...string) {
	t.Helper()
	old := os.Environ()
	restore := func(entries []string) {
		os.Clearenv()
		for _, e := range entries {
			name, value, _ := strings.Cut(e, "=")
			if err := os.Setenv(name, value); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Cleanup(func() { restore(old) })
	restore(environ)
}

func TestLoadChecksSchedules(t *testing.T) {
	setEnviron(t, "IMAGE_BACKUP_CRON=61 * * * *", "IMAGE_HEALTH_CRON=@every 5s", "IMAGE_LOGROTATE_CRON=0 0 30 2 *")
	_, err := Load()
	var invalid *Error
	if !errors.As(err, &invalid) {
		t.Fatalf("Load: %v, want an *Error", err)
	}
	want := []string{
		`IMAGE_BACKUP_CRON="61 * * * *": minute 61 is above 59`,
		`IMAGE_LOGROTATE_CRON="0 0 30 2 *": never fires: February has no day 30`,
	}
	if got := strings.Join(invalid.Problems, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("problems:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
	}
}
