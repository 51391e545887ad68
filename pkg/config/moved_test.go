package config

import "testing"

func TestLeftBehind(t *testing.T) {
	for name, test := range map[string]struct {
		environ []string
		want    string
	}{
		"nothing is moved":     {nil, ""},
		"defaults follow":      {[]string{"STORAGE_BASE_DIR=/data", "IMAGE_HEALTH_DIR=/srv/health"}, ""},
		"nothing lies below":   {[]string{"IMAGE_APP_DIR=/srv/app", "STORAGE_DATA_DIR=/data"}, ""},
		"spelled otherwise":    {[]string{"STORAGE_LOGS_DIR=/storage/logs/", "SUPERVISOR_LOGS_DIR=/storage/logs/supervisor"}, ""},
		"an emptied one":       {[]string{"STORAGE_BASE_DIR=/data", "STORAGE_LOGS_DIR="}, ""},
		"one stays":            {[]string{"STORAGE_BASE_DIR=/data", "STORAGE_CONF_DIR=/storage/conf"}, "STORAGE_BASE_DIR moves one directory alone: these stay where they were unless you set them too: STORAGE_CONF_DIR"},
		"below one that stays": {[]string{"STORAGE_BASE_DIR=/data", "STORAGE_LOGS_DIR=/storage/logs", "IMAGE_BACKUP_LOG=/data/backup.log", "STORAGE_DATA_DIR=/data"}, "STORAGE_BASE_DIR moves one directory alone: these stay where they were unless you set them too: STORAGE_LOGS_DIR, SUPERVISOR_LOGS_DIR, IMAGE_HEALTH_LIVENESS_LOG, IMAGE_HEALTH_READINESS_LOG"},
	} {
		t.Run(name, func(t *testing.T) {
			loadValid(t, test.environ...)
			if got := LeftBehind(); got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}
