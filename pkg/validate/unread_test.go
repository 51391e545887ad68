package validate_test

import (
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/supervisorconf"
	"github.com/ZPascal/container-manager/pkg/validate"
	"github.com/ZPascal/container-manager/test/testenv"
)

// Every start says what it finds. So a probe of something that is no program of the
// container, which restarts nothing on purpose, is no mistake there.
func TestUnreadIsAboutMistakesOnly(t *testing.T) {
	tree := testenv.NewTree(t)
	for _, name := range []string{"check-database.sh", "check-disk.py", "check-helo.sh"} {
		testenv.Write(t, tree.Path("image/health/readiness.probes.d", name), "#!/bin/sh\n", 0o755)
	}
	testenv.Write(t, tree.Path("image/notify.d/mail.sh"), "#!/bin/sh\n", 0o755)
	testenv.SetEnviron(t, tree.Environ()...)
	c, err := config.Load()
	if err != nil {
		t.Fatal(err)
	}
	testenv.Write(t, tree.Path("x.conf"), "[program:hello]\ncommand = hello\n", 0o644)
	conf, err := supervisorconf.Load(tree.Path("x.conf"), c.Lookup)
	if err != nil {
		t.Fatal(err)
	}
	lines := validate.Unread(c, conf)
	if len(lines) != 1 || !strings.HasSuffix(lines[0], "check-helo.sh is named after no program, so a failure restarts nothing: did you mean check-hello?") {
		t.Errorf("it says\n%s", strings.Join(lines, "\n"))
	}
}
