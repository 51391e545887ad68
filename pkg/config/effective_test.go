package config

import (
	"path/filepath"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

// effective returns the variables as LoadEffective tells them to a process that has no
// environment but the given one.
func effective(t *testing.T, environ ...string) map[string]Effective {
	t.Helper()
	testenv.SetEnviron(t, environ...)
	_, all, err := LoadEffective()
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]Effective{}
	for _, e := range all {
		byName[e.Name] = e
	}
	return byName
}

func TestOrigins(t *testing.T) {
	dir := testenv.Dir(t)
	run, file := filepath.Join(dir, "run"), filepath.Join(dir, "secret")
	testenv.Mkdir(t, run)
	testenv.Write(t, file, "hunter2", 0o600)
	raw := []string{
		"IMAGE_RUN_DIR=" + run, "PATH=/bin", "HOME=/root", "IMAGE_BACKUP_RETENTION=3", "IMAGE_BACKUP_CRON=1 1 * * *", "STORAGE_BASE_DIR=/data",
		"STORAGE_LOGS_DIR=/storage/logs", "APP_NAME=", "HELLO=1", "TZ=Europe/Berlin", "FILE__TOKEN=" + file, "LOGGING_REDIS_PASSWORD_FILE=" + file,
	}
	testenv.SetEnviron(t, raw...)
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	testenv.Write(t, SavedPath(run), string(FormatEnviron(c.Environ)), 0o600)

	for name, test := range map[string]struct {
		environ []string
		want    map[string]Origin
	}{
		"as docker exec": {raw, map[string]Origin{
			"IMAGE_BACKUP_RETENTION": FromImage, "IMAGE_BACKUP_CRON": FromDeployment, "IMAGE_HEALTH_CRON": FromDefault, "STORAGE_DATA_DIR": FromDefault,
			"STORAGE_LOGS_DIR": FromImage, "APP_NAME": FromDefault, "HELLO": FromDeployment, "TZ": FromImage, "TOKEN": FromFile, "LOGGING_REDIS_PASSWORD": FromFile,
			"FILE__TOKEN": FromDeployment, "LOGGING_REDIS_TLS": FromDefault, "HOME": "",
		}},
		"in a program": {append(c.Environ, "SUPERVISOR_PROCESS_NAME=hello", "SUPERVISOR_ENABLED=1"), map[string]Origin{
			"IMAGE_BACKUP_RETENTION": FromEither, "IMAGE_BACKUP_CRON": FromDeployment, "IMAGE_HEALTH_CRON": FromEither, "STORAGE_DATA_DIR": FromEither,
			"HELLO": FromDeployment, "TZ": FromEither, "TOKEN": FromFile, "SUPERVISOR_PROCESS_NAME": "", "SUPERVISOR_ENABLED": "",
		}},
		"with no environment": {[]string{"IMAGE_RUN_DIR=" + run}, map[string]Origin{
			"IMAGE_BACKUP_RETENTION": FromEither, "IMAGE_BACKUP_CRON": FromDeployment, "HELLO": FromDeployment, "TOKEN": FromFile, "LOGGING_REDIS_PASSWORD": FromFile,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			all := effective(t, test.environ...)
			for name, want := range test.want {
				if got := all[name].Origin; got != want {
					t.Errorf("%s is from %q, want %q", name, got, want)
				}
			}
			for _, name := range []string{"TOKEN", "LOGGING_REDIS_PASSWORD"} {
				if e := all[name]; e.Value != Mask || !e.Secret || e.File != file {
					t.Errorf("%s: %+v", name, e)
				}
			}
		})
	}
	if _, _, err := func() (Config, []Effective, error) {
		testenv.SetEnviron(t, "IMAGE_RUN_DIR="+run, "IMAGE_CRON_ENABLED=perhaps")
		return LoadEffective()
	}(); err == nil {
		t.Error("a bad environment is no error")
	}
}

func TestMasked(t *testing.T) {
	testenv.SetEnviron(t, "FILE__FROM_A_FILE=/x")
	for name, want := range map[string]string{
		"DB_PASSWORD": Mask, "PGPASSWORD": Mask, "db_password": Mask, "MYSQL_PWD": Mask, "API_KEYS": Mask, "API_TOKEN": Mask, "TOKEN": Mask, "SIGNING_KEY": Mask, "OIDC_CLIENT_SECRET": Mask, "AWS_SECRET_ACCESS_KEY": Mask,
		"FROM_A_FILE": Mask, "LOGGING_REDIS_PASSWORD": Mask, "IMAGE_BACKUP_AGE_RECIPIENTS": Mask,
		"LOGGING_REDIS_KEY": "hunter2", "IMAGE_SECRETS_DIR": "hunter2", "DB_PASSWORD_FILE": "hunter2", "FILE__DB_PASSWORD": "hunter2", "KEYBOARD": "hunter2", "APP_NAME": "hunter2",
	} {
		if shown, masked := Masked(name, "hunter2"); shown != want || masked != (want == Mask) {
			t.Errorf("%s is shown as %q (masked: %v), want %q", name, shown, masked, want)
		}
	}
	for value, want := range map[string]string{
		"":                                  "",
		"redis://user:p@ss@host:6379/0":     "redis://user:" + Mask + "@host:6379/0",
		"http://host:80/?a@b":               "http://host:80/?a@b",
		"postgres://u:p/a?s#s@h/db":         "postgres://u:" + Mask + "@h/db",
		"redis://:/pass@h":                  "redis://:" + Mask + "@h",
		"http://h:80/?to=http://u:p@h/":     "http://h:80/?to=http://u:" + Mask + "@h/",
		"http://u:p@h:80/me@b":              "http://u:" + Mask + "@h:80/me@b",
		"a=postgres://u:p@h b=http://:q@h/": "a=postgres://u:" + Mask + "@h b=http://:" + Mask + "@h/",
		"me@example.com":                    "me@example.com",
	} {
		if shown, masked := Masked("URL", value); shown != want || masked != (shown != value) {
			t.Errorf("%q is shown as %q (masked: %v), want %q", value, shown, masked, want)
		}
	}
	if shown, masked := Masked("DB_PASSWORD", ""); shown != "" || masked {
		t.Errorf("an empty password is shown as %q", shown)
	}
}
