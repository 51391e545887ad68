package config

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

func TestSecretsFromFiles(t *testing.T) {
	dir := testenv.Dir(t)
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		testenv.Write(t, path, content, 0o400)
		return path
	}
	line, blank, empty, odd := file("line", "hunter2\n"), file("blank", "a\n\n"), file("empty", ""), file("odd", "\xff$(x)\r\n")
	for _, test := range []struct {
		about       string
		environ     []string
		name, value string
	}{
		{"any name", []string{"FILE__TOKEN=" + line}, "TOKEN", "hunter2"},
		{"the file wins", []string{"TOKEN=other", "FILE__TOKEN=" + line}, "TOKEN", "hunter2"},
		{"one newline goes", []string{"FILE__TOKEN=" + blank}, "TOKEN", "a\n"},
		{"nothing else does", []string{"FILE__TOKEN=" + odd}, "TOKEN", "\xff$(x)\r"},
		{"an empty file", []string{"TOKEN=other", "FILE__TOKEN=" + empty}, "TOKEN", ""},
		{"no path is no file", []string{"TOKEN=other", "FILE__TOKEN="}, "TOKEN", "other"},
		{"no name is no secret", []string{"TOKEN=other", "FILE__=/none"}, "TOKEN", "other"},
		{"of the table", []string{"FILE__IMAGE_BACKUP_RETENTION=" + file("5", "5\n")}, "IMAGE_BACKUP_RETENTION", "5"},
		{"of the table, empty", []string{"FILE__IMAGE_BACKUP_RETENTION=" + empty}, "IMAGE_BACKUP_RETENTION", "3"},
		{"Redis", []string{"LOGGING_REDIS_PASSWORD=x", "LOGGING_REDIS_PASSWORD_FILE=" + line}, "LOGGING_REDIS_PASSWORD", "hunter2"},
		{"Redis twice", []string{"LOGGING_REDIS_PASSWORD_FILE=" + blank, "FILE__LOGGING_REDIS_PASSWORD=" + line}, "LOGGING_REDIS_PASSWORD", "hunter2"},
		{"Redis without a path", []string{"LOGGING_REDIS_PASSWORD=x", "LOGGING_REDIS_PASSWORD_FILE="}, "LOGGING_REDIS_PASSWORD", "x"},
	} {
		t.Run(test.about, func(t *testing.T) {
			c := loadValid(t, test.environ...)
			if got, set := c.Lookup(test.name); !set || got != test.value {
				t.Errorf("%s is %q (set: %v), want %q", test.name, got, set, test.value)
			}
		})
	}
}

func TestBadSecrets(t *testing.T) {
	dir := testenv.Dir(t)
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		testenv.Write(t, path, content, 0o400)
		return path
	}
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	dangling := filepath.Join(dir, "dangling")
	testenv.Symlink(t, "nowhere", dangling)
	nul, large := file("nul", "hunter2\x00\n"), file("large", strings.Repeat("x", maxSecret+1))
	for name, test := range map[string]struct{ path, problem string }{
		"missing":  {dir + "/none", "the file does not exist: is the secret mounted?"},
		"dangling": {dangling, "the file does not exist: is the secret mounted?"},
		// Docker makes a directory of the source of a bind mount that is not there.
		"a directory":  {dir, "is a directory, expected a file"},
		"a named pipe": {fifo, "is no regular file"},
		"NUL":          {nul, "holds a NUL byte, which no environment variable can"},
		"large":        {large, "is larger than 65536 bytes"},
		"endless":      {"/proc/self/pagemap", "is larger than 65536 bytes"}, // it says that it is empty
	} {
		t.Run(name, func(t *testing.T) {
			for _, from := range []string{"FILE__TOKEN", "LOGGING_REDIS_PASSWORD_FILE"} {
				got := problems(t, from+"="+test.path)
				want := from + `="` + test.path + `": ` + test.problem
				if len(got) != 1 || got[0] != want {
					t.Errorf("problems %q, want %q", got, want)
				}
			}
		})
	}
}

func TestUnreadableSecret(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, dir string) {
		closed, below := filepath.Join(dir, "token"), filepath.Join(dir, "closed", "token")
		testenv.Write(t, closed, "hunter2", 0o600)
		testenv.Write(t, below, "hunter2", 0o644)
		testenv.Chmod(t, filepath.Dir(below), 0o700)
		testenv.Become(t, 500)
		got := problems(t, "FILE__B="+below, "FILE__A="+closed)
		want := []string{
			`FILE__A="` + closed + `": the file cannot be read by uid 500: permission denied`,
			`FILE__B="` + below + `": the file cannot be read by uid 500: permission denied`,
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("problems %q, want %q", got, want)
		}
	})
}

// A mount of the wrong file must not bring a password into a log.
func TestProblemsKeepSecrets(t *testing.T) {
	path := filepath.Join(testenv.Dir(t), "password")
	testenv.Write(t, path, "hunter2\n", 0o400)
	for _, name := range []string{"IMAGE_BACKUP_RETENTION", "IMAGE_CRON_ENABLED", "IMAGE_BACKUP_CRON", "STORAGE_DATA_DIR", "TZ", "LOGGING_REDIS_HOST"} {
		t.Run(name, func(t *testing.T) {
			content := "hunter2 /" // no value of any kind
			testenv.Chmod(t, path, 0o600)
			testenv.Write(t, path, content, 0o400)
			got := problems(t, "FILE__"+name+"="+path)
			if len(got) == 0 || strings.Contains(strings.Join(got, "\n"), "hunter2") {
				t.Errorf("problems %q, want some, without the content of the file", got)
			}
			if !strings.HasPrefix(got[0], name) {
				t.Errorf("problem %q, want it to begin with %s", got[0], name)
			}
		})
	}
}
