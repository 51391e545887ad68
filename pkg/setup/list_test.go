package setup

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

func TestList(t *testing.T) {
	dir := testenv.Dir(t)
	for name, text := range map[string]string{
		"00-configure-environment.py": "#!/usr/bin/container-manager script\n", "01-configure-backup.py": "#!/bin/sh -e\n", "02-configure-cron.py": "",
		"09-mine.py": "#!/usr/bin/container-manager script\n", "10-crlf.sh": "#!/bin/sh\r\n", "11-empty.sh": "", "12-elf": "\x7fELF", "helper.sh": "#!/bin/sh\n", "20-x.sh~": "#!/bin/sh\n", "schema.sql": "x", ".hidden.sh": "#!/bin/sh\n",
	} {
		testenv.Write(t, filepath.Join(dir, name), text, 0o755)
	}
	testenv.Write(t, filepath.Join(dir, "30-bits.sh"), "#!/bin/sh\n", 0o644)
	testenv.Mkdir(t, filepath.Join(dir, "lib"))

	want := strings.ReplaceAll(`runs 00-configure-environment.py: built in
runs 01-configure-backup.py: script for /bin/sh -e, in place of the built-in step
no 02-configure-cron.py: is empty, which switches the built-in step off
fails 09-mine.py: DIR/09-mine.py: there is no built-in of this name: a script of your own begins with its interpreter, such as #!/bin/sh
fails 10-crlf.sh: DIR/10-crlf.sh:1: the #! line ends in a carriage return: save the file with Unix line ends
no 11-empty.sh: is empty
runs 12-elf: program
BITS
no helper.sh: the name of a step begins with a digit, or ends in .py
no 20-x.sh~: an editor or a package manager has left it behind
no schema.sql: is neither *.py nor *.sh, and begins with no #! line
`, "DIR", dir)
	bits := map[bool]string{
		true:  fmt.Sprintf("fails 30-bits.sh: %s/30-bits.sh is not executable for uid %d: chmod 755 it in the image", dir, os.Geteuid()),
		false: "runs 30-bits.sh: script for /bin/sh",
	}
	for needsBits, line := range bits {
		steps, err := List(dir, needsBits, Builtin)
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		for _, s := range steps {
			does := "no"
			switch {
			case s.Fails:
				does = "fails"
			case s.Runs:
				does = "runs"
			}
			fmt.Fprintf(&got, "%s %s: %s\n", does, s.Name, s.What)
		}
		if want := strings.Replace(want, "BITS", line, 1); got.String() != want {
			t.Errorf("needs bits: %v\ngot\n%s\nwant\n%s", needsBits, got.String(), want)
		}
	}
	if steps, err := List(filepath.Join(dir, "none"), true, Builtin); len(steps) > 0 || err != nil {
		t.Errorf("a missing directory has %v, %v", steps, err)
	}
	if _, err := List(filepath.Join(dir, "schema.sql"), true, Builtin); err == nil {
		t.Error("a file is no directory of steps")
	}
}
