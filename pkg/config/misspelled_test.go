package config

import (
	"slices"
	"testing"
)

func TestMisspelled(t *testing.T) {
	var declared []string
	for _, v := range variables() {
		declared = append(declared, v.Name+"=x")
	}
	if got := Misspelled(append(declared, "IMAGE_TITLE=x", "STORAGE_CLASS=x", "HOME=/", "IMAGE_BACKUP_SIZE=1", "LOGGING_LEVEL=x")); got != nil {
		t.Errorf("warned of %q", got)
	}
	got := Misspelled([]string{"IMAGE_HEALTH_GRAEC=5s", "IMAGE_BACKUP_PATH=/data", "FILE__LOGGING_REDIS_PASWORD=/x"})
	want := []string{
		"nothing reads the variable IMAGE_BACKUP_PATH: did you mean IMAGE_BACKUP_PATHS?",
		"nothing reads the variable IMAGE_HEALTH_GRAEC: did you mean IMAGE_HEALTH_GRACE?",
		"nothing reads the variable LOGGING_REDIS_PASWORD: did you mean LOGGING_REDIS_PASSWORD?",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
