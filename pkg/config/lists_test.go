package config

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestLoadReadsTheBackupVariables(t *testing.T) {
	c := loadValid(t,
		"IMAGE_BACKUP_RETENTION=3 weekly:4 daily:7",
		"IMAGE_BACKUP_PATHS=/storage/data:/storage/conf/",
		"IMAGE_BACKUP_EXCLUDE=*.tmp:cache/:/storage/data/lost",
		"IMAGE_BACKUP_STOP_PROGRAMS=web, worker:one web",
		"IMAGE_BACKUP_SCRIPT_TIMEOUT=90m",
		"IMAGE_RESTORE_MAX_SIZE=20g",
	)
	if got := c.BackupRetention.String(); got != "keep the newest 3, the newest of each of the last 7 days and the newest of each of the last 4 weeks" {
		t.Errorf("retention %q", got)
	}
	if !slices.Equal(c.BackupPaths, Paths{"/storage/data", "/storage/conf"}) {
		t.Errorf("paths %q", c.BackupPaths)
	}
	if !slices.Equal(c.BackupExclude, Patterns{"*.tmp", "cache", "/storage/data/lost"}) {
		t.Errorf("patterns %q", c.BackupExclude)
	}
	if !slices.Equal(c.BackupStop, Names{"web", "worker:one"}) {
		t.Errorf("programs %q", c.BackupStop)
	}
	if time.Duration(c.BackupTimeout) != 90*time.Minute || c.RestoreMaxSize != 20<<30 || c.RestoreMaxFiles != 10_000_000 {
		t.Errorf("limits %v, %d, %d", time.Duration(c.BackupTimeout), c.RestoreMaxSize, c.RestoreMaxFiles)
	}
}

func TestLoadRefusesBackupVariables(t *testing.T) {
	for environ, want := range map[string]string{
		"IMAGE_BACKUP_RETENTION=3 daily":             `IMAGE_BACKUP_RETENTION="3 daily": part 2: expected hourly, daily, weekly, monthly or yearly, : and a number, such as daily:7`,
		"IMAGE_BACKUP_RETENTION=many":                `IMAGE_BACKUP_RETENTION="many": expected a whole number from 0 up, or periods such as daily:7 weekly:4`,
		"IMAGE_BACKUP_PATHS=data":                    `IMAGE_BACKUP_PATHS="data": expected absolute paths other than / with : between them`,
		"IMAGE_BACKUP_PATHS=/":                       `IMAGE_BACKUP_PATHS="/": expected absolute paths other than / with : between them`,
		"IMAGE_BACKUP_PATHS=/storage/a:/storage/a/b": `IMAGE_BACKUP_PATHS="/storage/a:/storage/a/b": path 2 is in path 1 already: leave it out`,
		"IMAGE_BACKUP_PATHS=/storage/a:/storage/a/":  `IMAGE_BACKUP_PATHS="/storage/a:/storage/a/": path 1 is in path 2 already: leave it out`,
		"IMAGE_BACKUP_PATHS=/storage":                `IMAGE_BACKUP_PATHS="/storage": holds the archives themselves (STORAGE_BACKUP_DIR): name what lies beside them`,
		"IMAGE_BACKUP_EXCLUDE=[a":                    `IMAGE_BACKUP_EXCLUDE="[a": expected patterns with : between them: here is a [ without a ], or a \ at the end`,
		"IMAGE_BACKUP_SCRIPT_TIMEOUT=soon":           `IMAGE_BACKUP_SCRIPT_TIMEOUT="soon": expected a duration such as 90s, 5m or 1h30m, or a number of seconds`,
		"IMAGE_RESTORE_MAX_SIZE=20 GB":               `IMAGE_RESTORE_MAX_SIZE="20 GB": expected bytes such as 500M, 20G or 1T`,
		"IMAGE_RESTORE_MAX_SIZE=99999999999T":        `IMAGE_RESTORE_MAX_SIZE="99999999999T": expected bytes such as 500M, 20G or 1T`,
		// What should not have been there in the first place must not be printed.
		"IMAGE_BACKUP_AGE_RECIPIENTS=AGE-SECRET-KEY-1QQ": `IMAGE_BACKUP_AGE_RECIPIENTS: expected public keys of age, which begin with age1, with blanks between them`,
	} {
		if got := problems(t, environ); len(got) != 1 || !strings.HasPrefix(got[0], want) {
			t.Errorf("%s: problems %q, want %q", environ, got, want)
		}
	}
}

func TestPatterns(t *testing.T) {
	patterns := Patterns{"*.tmp", "cache/[0-9]*", "/storage/data/lost"}
	for name, want := range map[string]bool{
		"/storage/data/a.tmp":       true,
		"/storage/data/a.tmp.gz":    false,
		"/storage/data/cache/1f":    true,
		"/storage/data/cache/f1":    false,
		"/storage/data/cache":       false,
		"/storage/data/lost":        true,
		"/storage/data/lost/and":    false, // what is in it is not looked at
		"/other/storage/data/lost":  false,
		"/storage/data/x/lost":      false,
		"/storage/conf/cache/1/sub": false,
	} {
		if got := patterns.Match(name); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}
