package validate_test

import (
	"os"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

func TestInformation(t *testing.T) {
	tree := testenv.NewTree(t)
	testenv.Write(t, tree.Path("image/cron/kubernetes"), "CRON_TZ=America/New_York\n30 3 * * * hello\n@reboot hello\n", 0o644)
	testenv.Write(t, tree.Path("image/setup/run.always/05-configure-logrotate.py"), "#!/bin/sh\n", 0o755)
	testenv.Write(t, tree.Path("image/setup/run.always/04-configure-filebeat.py"), "", 0o755)
	testenv.Write(t, tree.Path("image/health/check-readiness.py"), "#!/bin/sh\n", 0o755)
	testenv.Write(t, tree.Path("image/cron/cron.py"), "#!/usr/bin/python3\nprint()\n", 0o644)
	if err := os.Remove(tree.Path("image/setup/run.once/00-create-storage-dirs.py")); err != nil {
		t.Fatal(err)
	}
	want := `info: image/setup/run.always/04-configure-filebeat.py is empty, which switches the built-in one off
info: image/setup/run.always/05-configure-logrotate.py replaces the built-in one
info: image/health/check-readiness.py replaces the built-in one
info: image/cron/cron.py replaces the built-in one
info: backup runs next on Mon 2026-03-02 02:02 CET, then on Tue 2026-03-03 02:02 CET
info: check-readiness runs next on Sun 2026-03-01 13:05 CET, then on Sun 2026-03-01 13:10 CET
info: image/cron/kubernetes:2: the job runs next on Mon 2026-03-02 03:30 EST, then on Tue 2026-03-03 03:30 EST
info: image/cron/kubernetes:3: the job runs when crond starts`
	if got := strings.Join(all(t, tree, "PATH=/nowhere", "TZ=Europe/Berlin", "IMAGE_BACKUP_CRON=2 2 * * *"), "\n"); got != want {
		t.Errorf("found\n%s\nwant\n%s", got, want)
	}
	want = "info: crond stays stopped, and so no job of the crontab runs (IMAGE_CRON_ENABLED)"
	if got := strings.Join(all(t, testenv.NewTree(t), "PATH=/nowhere", "IMAGE_CRON_ENABLED=0"), "\n"); got != want {
		t.Errorf("found\n%s\nwant\n%s", got, want)
	}
}
