package scriptdir

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

const sh = "#!/bin/sh\nexit 0\n"

// names returns the names of the candidates of a directory.
func names(t *testing.T, dir string) []string {
	t.Helper()
	files, err := Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		if f.Path != filepath.Join(dir, f.Name) {
			t.Errorf("path of %s is %s", f.Name, f.Path)
		}
		names = append(names, f.Name)
	}
	return names
}

func TestFind(t *testing.T) {
	dir := testenv.Dir(t)
	elf, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"10-ten.sh": sh, "2-two.py": sh, "B.sh": sh, "a.py": "no first line", "b.sh": "", "tool": sh, "program": string(elf[:100]),
		"data.sql": sh, // whatever its name, it says what runs it

		".hidden.sh": sh, ".hidden": sh, "schema.sql": "CREATE TABLE t (id int);\n", "accounts.js": "x\n", "README": "x", "notes.txt": "",
		"shell.sh~": sh, "shell~": sh, "shell.sh.bak": sh, "shell.sh.orig": sh, "shell.sh.rej": sh, "shell.sh.swp": sh,
		"shell.sh.dpkg-old": sh, "shell.dpkg-dist": sh, "shell.rpmnew": sh, "shell.sh.rpmsave": sh, "py": "x", "empty": "", "binary": "\x00\x01", "elf": "\x7fEL", "hash": "#", "late": "\n#!/bin/sh\n",
	} {
		testenv.Write(t, filepath.Join(dir, name), content, 0o644) // execute bits do not select
	}
	for _, name := range []string{"lib", "dir.sh", ".git"} {
		testenv.Mkdir(t, filepath.Join(dir, name))
	}
	for link, target := range map[string]string{
		"link": "tool", "link.py": "/dev/null", "gone": "nowhere", "gone.sh": "nowhere", ".gone": "nowhere", "to-data": "README", "to-dir": "lib", "loop": "loop",
	} {
		testenv.Symlink(t, target, filepath.Join(dir, link))
	}
	for _, name := range []string{"pipe", "pipe.sh"} { // to be opened by nobody
		if err := syscall.Mkfifo(filepath.Join(dir, name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := "10-ten.sh 2-two.py B.sh a.py b.sh data.sql dir.sh gone gone.sh link link.py pipe.sh program tool"
	if got := strings.Join(names(t, dir), " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestFindInNoDirectory(t *testing.T) {
	dir := testenv.Dir(t)
	if got := names(t, filepath.Join(dir, "none")); len(got) != 0 {
		t.Errorf("a missing directory has %q", got)
	}
	file := filepath.Join(dir, "file")
	testenv.Write(t, file, "", 0o644)
	if _, err := Find(file); err == nil || !strings.HasPrefix(err.Error(), "cannot list "+file+": ") {
		t.Errorf("Find(%s): %v", file, err)
	}
}

func TestCheck(t *testing.T) {
	notExecutable := fmt.Sprintf(" is not executable for uid %d: chmod 755 it in the image", os.Geteuid())
	for name, test := range map[string]struct {
		file, content string
		perm          os.FileMode
		want          string // behind the path
	}{
		"shell":               {"x.sh", sh, 0o755, ""},
		"blanks and options":  {"x.py", "#! \t/bin/sh -eu\n", 0o500, ""},
		"no line's end":       {"x", "#!/bin/sh", 0o755, ""},
		"empty":               {"x.sh", "", 0o644, " is empty: it does nothing"},
		"built in":            {"x.py", "#!/bin/container-manager script\n", 0o644, notExecutable}, // as a process
		"no execute bit":      {"x.sh", sh, 0o644, notExecutable},
		"no execute bit, py":  {"x.py", "print()\n", 0o644, notExecutable},
		"no #! line, py":      {"x.py", "import os\n", 0o755, ":1: has no #! line: begin it with #!/usr/bin/python3"},
		"no #! line, sh":      {"x.sh", "echo\n", 0o755, ":1: has no #! line: begin it with #!/bin/sh"},
		"byte order mark":     {"x.sh", "\ufeff" + sh, 0o755, ":1: has no #! line: begin it with #!/bin/sh"},
		"no interpreter":      {"x.sh", "#!\necho\n", 0o755, ":1: the #! line names no interpreter"},
		"only blanks":         {"x.sh", "#! \t\necho\n", 0o755, ":1: the #! line names no interpreter"},
		"missing interpreter": {"x.py", "#!/opt/none/python2 -u\n", 0o755, ":1: the interpreter /opt/none/python2 is missing or not executable: install it, or name another one"},
		"not executable":      {"x.py", "#!/etc/passwd\n", 0o755, ":1: the interpreter /etc/passwd is missing or not executable: install it, or name another one"},
		"relative":            {"x.py", "#!python3\n", 0o755, ":1: the interpreter python3 is missing or not executable: install it, or name another one"},
		"carriage return":     {"x.sh", "#!/bin/sh\r\necho\r\n", 0o755, ":1: the #! line ends in a carriage return: save the file with Unix line ends"},
		"missing":             {"x.sh", "none", 0, " does not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(testenv.Dir(t), test.file)
			if test.content != "none" {
				testenv.Write(t, path, test.content, test.perm)
			}
			checks(t, path, test.want)
		})
	}
}

// checks fails unless Check says this behind the path; nothing when empty.
func checks(t *testing.T, path, want string) {
	t.Helper()
	got := ""
	if err := Inspect(path).Check(); err != nil {
		got = err.Error()
	}
	if want != "" {
		want = path + want
	}
	if got != want {
		t.Errorf("Check: %q, want %q", got, want)
	}
}

func TestCheckOfWhatIsNoFile(t *testing.T) {
	dir := testenv.Dir(t)
	path := func(name string) string { return filepath.Join(dir, name) }
	testenv.Mkdir(t, path("dir.sh"))
	testenv.Symlink(t, "nowhere", path("gone.sh"))
	testenv.Symlink(t, "loop.sh", path("loop.sh"))
	testenv.Symlink(t, "/dev/null", path("device.sh"))
	if err := syscall.Mkfifo(path("pipe.sh"), 0o644); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", path("socket.sh"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for name, want := range map[string]string{
		"dir.sh":    " is no file but a directory",
		"gone.sh":   " is a link to a file that does not exist",
		"loop.sh":   " cannot be read: too many levels of symbolic links",
		"device.sh": " is no file but a device",
		"pipe.sh":   " is no file but a named pipe",
		"socket.sh": " is no file but a socket",
	} {
		checks(t, path(name), want)
	}
}

func TestCheckAsAnotherUser(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, dir string) {
		path := func(elem ...string) string { return filepath.Join(append([]string{dir}, elem...)...) }
		for name, perm := range map[string]os.FileMode{"closed.sh": 0o700, "unreadable.sh": 0o711, "others.sh": 0o744, "open.sh": 0o755, "10-configure": 0o700, "data.db": 0o600} {
			testenv.Write(t, path(name), sh, perm)
		}
		testenv.Write(t, path("interpreter"), "", 0o700)
		testenv.Write(t, path("x.sh"), "#!"+path("interpreter")+"\n", 0o755)
		testenv.Write(t, path("closed", "x.sh"), sh, 0o755)
		testenv.Chmod(t, path("closed"), 0o700)
		testenv.Become(t, 500)
		const closed = " cannot be read by uid 500: permission denied: chmod 755 it in the image"
		checks(t, path("closed.sh"), closed)
		checks(t, path("unreadable.sh"), closed)
		checks(t, path("10-configure"), closed)
		checks(t, path("others.sh"), " is not executable for uid 500: chmod 755 it in the image")
		checks(t, path("x.sh"), ":1: the interpreter "+path("interpreter")+" is missing or not executable: install it, or name another one")
		checks(t, path("open.sh"), "")
		checks(t, path("closed", "x.sh"), " cannot be read by uid 500: permission denied: chmod 755 the directories above it in the image")
		if got := strings.Join(names(t, dir), " "); got != "10-configure closed.sh open.sh others.sh unreadable.sh x.sh" {
			t.Errorf("candidates %s: one that cannot be read must be complained about", got)
		}
		if _, err := Find(path("closed")); err == nil || !strings.HasPrefix(err.Error(), "cannot list "+path("closed")+": ") {
			t.Errorf("Find: %v", err)
		}
	})
}

func TestBuiltin(t *testing.T) {
	path := filepath.Join(testenv.Dir(t), "x.py")
	for content, want := range map[string]bool{
		"#!/usr/bin/container-manager script\n":                                  true,
		"#!/usr/bin/container-manager script":                                    true,
		"#! /opt/bin/container-manager \t script \n":                             true,
		"#!/usr/bin/container-manager script\r\n":                                true,
		"#!/usr/bin/container-manager script\nimport os\n":                       true,
		"#!/usr/bin/container-manager\n":                                         false,
		"#!/usr/bin/container-manager run\n":                                     false,
		"#!/usr/bin/container-manager script x\n":                                false,
		"#!/usr/bin/container-manager-2 script\n":                                false,
		"#!/usr/bin/env container-manager script\n":                              false,
		"/usr/bin/container-manager script\n":                                    false,
		"\n#!/usr/bin/container-manager script\n":                                false,
		"#!/bin/sh\n/usr/bin/container-manager script\n":                         false,
		"#!/bin/sh\n#!/usr/bin/container-manager script\n":                       false,
		"#!/usr/bin/container-manager script" + strings.Repeat(" ", 300) + "x\n": false, // longer than the head
	} {
		testenv.Write(t, path, content, 0o755)
		if got := Inspect(path).Builtin; got != want {
			t.Errorf("%q: %v, want %v", content, got, want)
		}
	}
}
