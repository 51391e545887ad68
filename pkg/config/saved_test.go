package config

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

func TestFormatEnviron(t *testing.T) {
	got := string(FormatEnviron([]string{
		"B=2", "A=1", "EMPTY=", "LINES=1\n2", "AFTER=z", "TERMINAL=x", "MY_HOME=x", "_X=1",
		// These describe a process.
		"HOSTNAME=h", "SHLVL=1", "HOME=/", "TERM=xterm", "PWD=/", "OLDPWD=/", "_=/bin/env",
		// These cannot be assigned to.
		"UID=1", "EUID=1", "PPID=1", "BASHOPTS=x", "SHELLOPTS=x", "BASH_VERSINFO=x",
		// A line that begins with one of these would be a command.
		"a-b=1", "1A=1", "a.b=1", "a b=1", "touch x;A=1", "=C:=1", "BASH_FUNC_f%%=() { touch x; }", "é=1", "A\n=1",
	}))
	want := `A="1"
AFTER="z"
B="2"
EMPTY=""
MY_HOME="x"
TERMINAL="x"
_X="1"
LINES="1
2"
`
	if got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

// values are hard to write and to read. What would be executed leaves a file
// named canary behind.
func values() map[string]string {
	var bytes strings.Builder
	for c := 1; c < 256; c++ {
		bytes.WriteByte(byte(c))
	}
	return map[string]string{
		"BACKSLASH":    `\ \\ \n \" \$ \`,
		"BACKTICKS":    "`touch canary`",
		"BYTES":        bytes.String(),
		"CLOSING":      `"; touch canary; "`,
		"CR":           "a\r\nb\r",
		"DOLLARS":      "$HOME ${HOME} $$ $1 $(touch canary) $((1+1)) ${x:=$(touch canary)} $",
		"EMPTY":        "",
		"EQUALS":       "a=b = c==",
		"GLOB":         "* ? [a] ~ ~root {a,b} !! #",
		"LATIN1":       "\xe4\xf6\xfc",
		"LINES":        "first\ntouch canary\n$(touch canary)\nB=\"x\"\n",
		"NEWLINE":      "\n",
		"PERCENT":      "100% %s %(ENV_X)s %%",
		"QUOTES":       `'single' "double" "" '`,
		"REDIRECT":     ">canary | touch canary & touch canary; <none",
		"SPACES":       "  two  blanks\tand a tab\t ",
		"UTF8":         "Grüße, 世界 \u2028 \ufeff",
		"WITH_HEREDOC": "<<EOF\nx\nEOF",
	}
}

func environOf(values map[string]string) []string {
	var environ []string
	for name, value := range values {
		environ = append(environ, name+"="+value)
	}
	return environ
}

func TestShellsReadTheSavedEnvironment(t *testing.T) {
	values := values()
	saved := FormatEnviron(append(environOf(values), "UID=1", "EUID=1", "PPID=1", "BASHOPTS=x", "SHELLOPTS=x", "BASH_VERSINFO=x"))
	for _, shell := range [][]string{{"/bin/sh"}, {"busybox", "sh"}, {"bash", "--posix"}} {
		t.Run(strings.Join(shell, " "), func(t *testing.T) {
			if shell[0] == "busybox" {
				testenv.NotQuick(t)
			}
			dir := testenv.Dir(t)
			testenv.Write(t, SavedPath(dir), string(saved), 0o600)
			script := "set -eu\n. ./env\n"
			for name := range values {
				script += `printf '%s=%s\0' ` + name + ` "$` + name + "\"\n"
			}
			cmd := exec.Command(shell[0], append(shell[1:], "-c", script)...)
			cmd.Dir, cmd.Env = dir, []string{"PATH=/usr/bin:/bin"}
			var stderr strings.Builder
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			if err != nil || stderr.Len() > 0 {
				t.Fatalf("%v, standard error: %s", err, &stderr)
			}
			got := map[string]string{}
			for entry := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
				name, value, _ := strings.Cut(entry, "=")
				got[name] = value
			}
			compare(t, got, values)
			if names := testenv.Names(t, dir); len(names) != 1 {
				t.Errorf("a value was executed: %q", names)
			}
		})
	}
}

func compare(t *testing.T, got, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s is %q, want %q", name, got[name], value)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d values, want %d", len(got), len(want))
	}
}

func TestParseEnviron(t *testing.T) {
	compare(t, ParseEnviron(strings.NewReader(string(FormatEnviron(environOf(values()))))), values())
}

func TestParseEnvironPassesOverWhatIsNone(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want map[string]string
	}{
		"nothing":         {"", nil},
		"no quotes":       {"A=1\nB=\"2\"\n", map[string]string{"B": "2"}},
		"comments":        {"# A=\"1\"\n#B=\"1\"\nC=\"3\"\n", map[string]string{"C": "3"}},
		"export":          {"export A=\"1\"\nB=\"2\"\n", map[string]string{"B": "2"}},
		"cut off":         {"A=\"1\"\nB=\"2", map[string]string{"A": "1"}},
		"cut off escape":  {"A=\"1\"\nB=\"2\\", map[string]string{"A": "1"}},
		"cut off name":    {"A=\"1\"\nB", map[string]string{"A": "1"}},
		"cut off equals":  {"A=\"1\"\nB=", map[string]string{"A": "1"}},
		"the last wins":   {"A=\"1\"\nA=\"2\"\n", map[string]string{"A": "2"}},
		"lines":           {"A=\"1\nB=\\\"2\\\"\n\"\nC=\"3\"\n", map[string]string{"A": "1\nB=\"2\"\n", "C": "3"}},
		"binary":          {"\x00\xff\x00=\"x\"\nA=\"1\"\n", map[string]string{"A": "1"}},
		"no line's end":   {"A=\"1\"", map[string]string{"A": "1"}},
		"garbage between": {"A=\"1\"\n====\n\nB=\"2\"\n", map[string]string{"A": "1", "B": "2"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := ParseEnviron(strings.NewReader(test.text)); !maps.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestLoadSaved(t *testing.T) {
	dir := testenv.Dir(t)
	runDir := "IMAGE_RUN_DIR=" + dir
	saved := append(environOf(values()), "IMAGE_BASE_DIR=/srv", "STORAGE_LOGS_DIR=/logs", "TOKEN=from-its-file", "LOGGING_REDIS_PASSWORD=from-its-file", "APP_NAME=app", "IMAGE_NAME=")
	testenv.Write(t, SavedPath(dir), string(FormatEnviron(saved)), 0o600)
	token := filepath.Join(dir, "token")
	testenv.Write(t, token, "rotated since\n", 0o600)
	for _, test := range []struct {
		about   string
		environ []string
		want    map[string]string
	}{
		{"unset", nil, map[string]string{"IMAGE_BASE_DIR": "/srv", "IMAGE_CRON_DIR": "/srv/cron", "IMAGE_BACKUP_LOG": "/logs/backup.log", "APP_NAME": "app"}},
		{"empty", []string{"IMAGE_BASE_DIR=", "APP_NAME="}, map[string]string{"IMAGE_BASE_DIR": "/srv", "APP_NAME": "app"}},
		{"set", []string{"IMAGE_BASE_DIR=/other", "APP_NAME=mine"}, map[string]string{"IMAGE_BASE_DIR": "/other", "APP_NAME": "mine"}},
		{"odd values", nil, values()},
		{"saved empty", []string{"IMAGE_NAME=raw"}, map[string]string{"IMAGE_NAME": "raw"}},
		{"a secret is what the start read", []string{"TOKEN=raw", "FILE__TOKEN=" + token}, map[string]string{"TOKEN": "from-its-file"}},
		{"so is that of Redis", []string{"LOGGING_REDIS_PASSWORD=raw", "LOGGING_REDIS_PASSWORD_FILE=" + token}, map[string]string{"LOGGING_REDIS_PASSWORD": "from-its-file"}},
	} {
		t.Run(test.about, func(t *testing.T) {
			testenv.SetEnviron(t, append(test.environ, runDir)...)
			c, err := LoadSaved()
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range test.want {
				if got, _ := c.Lookup(name); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
		})
	}
}

func TestLoadSavedWithoutASavedEnvironment(t *testing.T) {
	testenv.SetEnviron(t, "IMAGE_RUN_DIR="+filepath.Join(testenv.Dir(t), "none"), "APP_NAME=app")
	c, err := LoadSaved()
	if err != nil || c.BaseDir != "/image" || c.AppName != "app" {
		t.Errorf("%v, base %q, app %q: want the defaults and what is set", err, c.BaseDir, c.AppName)
	}
}

func TestLoadSavedChecks(t *testing.T) {
	dir := testenv.Dir(t)
	testenv.Write(t, SavedPath(dir), `IMAGE_BACKUP_RETENTION="many"`+"\n", 0o600)
	testenv.SetEnviron(t, "IMAGE_RUN_DIR="+dir)
	_, err := LoadSaved()
	if err == nil || !strings.Contains(err.Error(), `IMAGE_BACKUP_RETENTION="many": expected a whole number`) {
		t.Errorf("error %v, want one about IMAGE_BACKUP_RETENTION", err)
	}
}

func TestOwnerOfTheSavedEnvironment(t *testing.T) {
	// What an interpreter runs something for, and is never taken.
	acts := []string{"LD_PRELOAD", "PYTHONPATH", "PYTHONSTARTUP", "BASH_ENV", "ENV", "IFS", "NODE_OPTIONS", "PERL5OPT", "RUBYOPT", "JAVA_TOOL_OPTIONS", "BASH_FUNC_f"}
	environ := []string{"APP_NAME=app", "PATH=saved"}
	for _, name := range acts {
		environ = append(environ, name+"=saved")
	}
	for name, test := range map[string]struct {
		dir, file, first, user int // the owners, also of process 1, and who reads
		mode                   fs.FileMode
		link                   string // what is a link
		app, path              string
	}{
		"root's, for root":             {0, 0, 0, 0, 0o711, "", "app", "saved"},
		"the container's, for root":    {500, 500, 500, 0, 0o711, "", "app", ""},
		"another's, for root":          {500, 500, 0, 0, 0o711, "", "", ""},
		"another's in ours, for root":  {0, 500, 0, 0, 0o711, "", "", ""},
		"ours in another's, for root":  {500, 0, 0, 0, 0o711, "", "", ""},
		"root's, for another":          {0, 0, 0, 500, 0o711, "", "app", "saved"},
		"one's own":                    {500, 500, 0, 500, 0o711, "", "app", "saved"},
		"a stranger's":                 {501, 501, 501, 500, 0o711, "", "", ""},
		"where others can write":       {0, 0, 0, 0, 0o1777, "", "", ""},
		"a link, even to ours":         {0, 0, 0, 0, 0o711, "file", "", ""},
		"a directory's, even to ours":  {0, 0, 0, 0, 0o711, "dir", "", ""},
		"where the group can write it": {0, 0, 0, 0, 0o775, "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			testenv.Isolated(t, func(t *testing.T, dir string) {
				run := filepath.Join(dir, "run")
				path := SavedPath(run)
				testenv.Write(t, path, string(FormatEnviron(environ)), 0o644)
				testenv.Chown(t, run, test.dir)
				testenv.Chown(t, path, test.file)
				testenv.Chmod(t, run, test.mode)
				switch test.link {
				case "file":
					must(t, os.Rename(path, path+".other"))
					testenv.Symlink(t, path+".other", path)
				case "dir":
					must(t, os.Rename(run, run+".other"))
					testenv.Symlink(t, run+".other", run)
				}
				testenv.Mount(t, "none", "/proc/1", "tmpfs", 0, fmt.Sprintf("uid=%d", test.first)) // only we see it
				if test.user != 0 {
					testenv.Become(t, test.user)
				}
				testenv.SetEnviron(t, "IMAGE_RUN_DIR="+run)
				c, err := LoadSaved()
				if err != nil || c.AppName != test.app {
					t.Errorf("%v, app %q, want %q", err, c.AppName, test.app)
				}
				if got, _ := c.Lookup("PATH"); got != test.path {
					t.Errorf("PATH is %q, want %q", got, test.path)
				}
				for _, name := range acts {
					if got, _ := c.Lookup(name); got != "" {
						t.Errorf("%s is %q", name, got)
					}
				}
			})
		})
	}
}

func TestUnreadableSavedEnvironment(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, dir string) {
		testenv.Write(t, SavedPath(dir), `APP_NAME="app"`+"\n", 0o600)
		testenv.Become(t, 500)
		testenv.SetEnviron(t, "IMAGE_RUN_DIR="+dir)
		c, err := LoadSaved()
		if err != nil || c.AppName != "" || c.RunDir != dir {
			t.Errorf("%v, app %q, run %q: want the defaults and what is set", err, c.AppName, c.RunDir)
		}
	})
}

func TestIsName(t *testing.T) {
	for name, want := range map[string]bool{
		"A": true, "_": true, "a_1": true, "Z9": true,
		"": false, "1A": false, "A-B": false, "A.B": false, "A B": false, "Ä": false, "A\n": false,
	} {
		if got := IsName(name); got != want {
			t.Errorf("IsName(%q) = %v", name, got)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
