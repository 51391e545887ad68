package config

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

// load loads an environment that must be valid.
func loadValid(t *testing.T, environ ...string) Config {
	t.Helper()
	testenv.SetEnviron(t, environ...)
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// problems loads an environment that must not be valid.
func problems(t *testing.T, environ ...string) []string {
	t.Helper()
	testenv.SetEnviron(t, environ...)
	_, err := Load()
	invalid, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("Load: %v, want an *Error", err)
	}
	return invalid.Problems
}

func TestLoadDefaults(t *testing.T) {
	c := loadValid(t)
	for _, test := range []struct{ name, got, want string }{
		{"BaseDir", c.BaseDir, "/image"},
		{"RunDir", c.RunDir, "/tmp/container-manager"},
		{"BackupScriptsDir", c.BackupScriptsDir, "/image/backup/scripts"},
		{"LivenessDir", c.LivenessDir, "/image/health/liveness.probes.d"},
		{"SupervisorLogs", c.SupervisorLogs, "/storage/logs/supervisor"},
		{"ReadinessLog", c.ReadinessLog, "/storage/logs/readiness.log"},
		{"BackupCron", c.BackupCron, "2 1 * * *"},
		{"TimeZone", c.TimeZone, ""},
	} {
		if test.got != test.want {
			t.Errorf("%s is %q, want %q", test.name, test.got, test.want)
		}
	}
	if !c.BackupEnabled || c.BackupRetention.String() != "keep the newest 3" || !c.CronEnabled || c.LivenessCheck || !c.ReadinessForce {
		t.Errorf("backup %v, retention %v, cron %v, liveness %v, force %v", c.BackupEnabled, c.BackupRetention, c.CronEnabled, c.LivenessCheck, c.ReadinessForce)
	}
}

func TestLoadGivesOthersTheEffectiveValues(t *testing.T) {
	c := loadValid(t, "IMAGE_BASE_DIR=/srv", "STORAGE_LOGS_DIR=/var/log/all", "APP_VERSION=2",
		"IMAGE_BACKUP_CRON=", "NO_COLOR=", "TZ=", "OIDC_ENCRYPTION_KEY=", "GREETING=a=b")
	for name, want := range map[string]string{
		"IMAGE_BACKUP_SCRIPTS_DIR": "/srv/backup/scripts",
		"IMAGE_BACKUP_LOG":         "/var/log/all/backup.log",
		"SUPERVISOR_LOGS_DIR":      "/var/log/all/supervisor",
		"STORAGE_DATA_DIR":         "/storage/data",
		"APP_VERSION":              "2",
		"IMAGE_BACKUP_CRON":        "2 1 * * *", // set but empty means the default
		"IMAGE_NAME":               "",
		"OIDC_ENCRYPTION_KEY":      "", // a child's own passes through
		"GREETING":                 "a=b",
	} {
		if got, set := c.Lookup(name); !set || got != want {
			t.Errorf("%s is %q (set: %v), want %q", name, got, set, want)
		}
		if got, set := os.LookupEnv(name); !set || got != want {
			t.Errorf("this process has %s=%q (set: %v), want %q", name, got, set, want)
		}
	}
	// Empty, each of these would mean something.
	for _, name := range []string{"TZ", "NO_COLOR", "LOGGING_REDIS_PASSWORD_FILE"} {
		if got, set := c.Lookup(name); set {
			t.Errorf("%s is set to %q, want it unset", name, got)
		}
	}
}

// Deployments switched the checks off with an empty value.
func TestEmptyIsFalseForForceReboot(t *testing.T) {
	const name = "IMAGE_HEALTH_READINESS_FORCE_REBOOT"
	for _, environ := range [][]string{{name + "="}, {name + "=off"}} {
		if c := loadValid(t, environ...); c.ReadinessForce {
			t.Errorf("%s counts as true", environ)
		}
	}
	c := loadValid(t, name+"=")
	if got, _ := c.Lookup(name); got != "false" {
		t.Errorf("others are told %q, want false", got)
	}
}

func TestLookupTakesTheLastOfTwo(t *testing.T) {
	c := Config{Environ: []string{"A=1", "B=2", "A=3"}}
	if got, _ := c.Lookup("A"); got != "3" {
		t.Errorf("A is %q, want that of the last entry", got)
	}
	if _, set := c.Lookup("C"); set {
		t.Error("C is set")
	}
}

// TestDeclarations checks what the compiler cannot see in the tags.
func TestDeclarations(t *testing.T) {
	var above []string
	for _, v := range Variables() {
		if v.kind != "" && checks[v.kind] == nil {
			t.Errorf("%s: there is no check for kind %q", v.Name, v.kind)
		}
		os.Expand(v.Default, func(name string) string {
			if !slices.Contains(above, name) {
				t.Errorf("%s: the default names %s, which is not declared above it", v.Name, name)
			}
			return ""
		})
		above = append(above, v.Name)
	}
}

func TestLoadListsAllProblems(t *testing.T) {
	testenv.SetEnviron(t, "IMAGE_BACKUP_ENABLED=maybe", "IMAGE_BACKUP_RETENTION=-1", "IMAGE_BASE_DIR=image",
		"TZ=Mars/Olympus", "IMAGE_LOG_FORMAT=xml", "FILE__TOKEN=/none/token", "IMAGE_CRON_ENABLED=2")
	_, err := Load()
	// What derives from a bad value is not worth a line of its own.
	want := `the environment is invalid:
  FILE__TOKEN="/none/token": the file does not exist: is the secret mounted?
  TZ="Mars/Olympus": expected a time zone such as Europe/Berlin or UTC
  IMAGE_BASE_DIR="image": expected an absolute path
  IMAGE_LOG_FORMAT="xml": expected one of console, json
  IMAGE_BACKUP_ENABLED="maybe": expected 1/0, true/false, yes/no or on/off
  IMAGE_BACKUP_RETENTION="-1": expected a whole number from 0 up, or periods such as daily:7 weekly:4
  IMAGE_CRON_ENABLED="2": expected 1/0, true/false, yes/no or on/off`
	if err == nil || err.Error() != want {
		t.Errorf("error:\n%v\nwant:\n%s", err, want)
	}
}

func TestKinds(t *testing.T) {
	const (
		boolean = "expected 1/0, true/false, yes/no or on/off"
		count   = "expected a whole number from 0 up"
		newest  = count + ", or periods such as daily:7 weekly:4"
		host    = "expected host or host:port"
		port    = "expected host or host:port, with a port from 1 to 65535"
		level   = "expected one of debug, info, warn, error"
	)
	unfit := func(quoted string) string {
		return "expected a path without the character '" + quoted + "', which supervisord, logrotate or filebeat would take for something else"
	}
	for name, values := range map[string]map[string]string{ // value: problem
		"IMAGE_CRON_ENABLED": {
			"1": "", "0": "", "TRUE": "", "False": "", "yes": "", "NO": "", "On": "", "oFF": "",
			"2": boolean, "t": boolean, "ja": boolean, " 1": boolean, "true\n": boolean,
		},
		"IMAGE_BACKUP_RETENTION": {
			"0": "", "7": "", "010": "", "2147483647": "",
			"-1": newest, "1.5": newest, "0x10": newest, "1e3": newest, "1_000": newest, "9999999999": newest, " ": newest,
		},
		"LOGGING_REDIS_HOST": {
			"redis": "", "redis.example:6380": "", "10.0.0.1": "", "10.0.0.1:1": "", "::1": "", "[::1]:6379": "",
			"redis:": port, ":6379": port, "redis:0": port, "redis:65536": port, "redis:http": port, "a:1:2": port,
			"redis://host": host, "redis://u:hunter2@h": host, "user@host": host, "a b": host, "host\n": host,
			"[::1]": "", "redis?db=1": host, "redis#1": host, "one,two": host, "[::1": port, "[redis]:x": port,
		},
		"LOGGING_REDIS_PORT": {"1": "", "65535": "", "0": "expected a port from 1 to 65535", "65536": "expected a port from 1 to 65535", "redis": "expected a port from 1 to 65535"},
		"LOGGING_REDIS_DB":   {"0": "", "15": "", "-1": count, "01": count, "x": count, "1.0": count},
		"LOGGING_REDIS_KEY": {
			"logs": "", "a b": "", "100%": "", "%{[fields.app_name]}": "expected the name of a list, without %{: a filebeat-output.yml can have that",
		},
		"IMAGE_LOG_LEVEL": {"debug": "", "error": "", "INFO": "", "Warn": "", "TRACE": level},
		"TZ":              {"UTC": "", ":Europe/Berlin": "", "America/New_York": "", "Nowhere": "expected a time zone such as Europe/Berlin or UTC"},
		"IMAGE_SUPERVISOR_SOCKET": {
			"/" + strings.Repeat("x", 98): "", "sock": "expected an absolute path",
			"/" + strings.Repeat("x", 99): "is 100 bytes long, more than the 99 that a socket's path may have",
		},
		"STORAGE_DATA_DIR": {
			"/": "", "/a b": "", "/50%": "", "/a#b": "", "/größe": "", "/it's": "",
			"/a[b": unfit("["), "/a]": unfit("]"), "/*": unfit("*"), "/a?": unfit("?"), "/a ;b": unfit(";"),
			`/"`: unfit(`"`), `/\`: unfit(`\\`), "/a\nb": unfit(`\n`), "/\x7f": unfit(`\x7f`), "/a\u0085": unfit(`\u0085`),
			"data": "expected an absolute path", "./data": "expected an absolute path", "~/data": "expected an absolute path",
		},
	} {
		for value, want := range values {
			t.Run(name+"="+value, func(t *testing.T) {
				if want == "" {
					loadValid(t, name+"="+value)
					return
				}
				got := problems(t, name+"="+value)
				if strings.Contains(value, "@") {
					if len(got) != 1 || got[0] != name+": "+want+" (the value has an @ in it and is not shown: it may hold a password)" {
						t.Errorf("problems %q, want one without the value", got)
					}
					return
				}
				if len(got) != 1 || !strings.HasPrefix(got[0], name+"=") || !strings.HasSuffix(got[0], ": "+want) {
					t.Errorf("problems %q, want one that ends in %q", got, want)
				}
			})
		}
	}
}

func TestCountIsDecimal(t *testing.T) {
	if c := loadValid(t, "IMAGE_BACKUP_RETENTION=010"); c.BackupRetention.Newest != 10 {
		t.Errorf("010 is %d, want 10", c.BackupRetention.Newest)
	}
}

func TestEarlyTakesWhatIsThere(t *testing.T) {
	testenv.SetEnviron(t, "IMAGE_LOG_FORMAT=json", "IMAGE_LOG_LEVEL=nonsense", "NO_COLOR=1", "TZ=nonsense")
	c := Early()
	if c.LogFormat != "json" || c.LogLevel != "nonsense" || c.NoColor != "1" {
		t.Errorf("%q %q %q", c.LogFormat, c.LogLevel, c.NoColor)
	}
}
