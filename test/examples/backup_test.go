package examples

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

// TestBackupExample stages and restores the database of the program as it runs,
// and copies an archive elsewhere: with the real rsync on both ends of an ssh
// that goes nowhere, and with a client that says what it was told.
func TestBackupExample(t *testing.T) {
	e := newExampleTree(t, "backup")
	stop := e.start(t, "diary")
	defer stop()
	db := filepath.Join(e.vars["STORAGE_DATA_DIR"], "diary.db")
	testenv.WaitFor(t, "the diary has a row", func() bool {
		_, err := e.run(t, "/usr/bin/python3", "-c", "import sqlite3, sys; sys.exit(not sqlite3.connect('"+db+"').execute('SELECT count(*) FROM diary').fetchone()[0])")
		return err == nil
	})
	stage := t.TempDir()
	if out := e.mustSucceed(t, "backup/scripts", "-i", stage); !strings.Contains(out, "staged ") {
		t.Errorf("the backup says %q", out)
	}
	if out := e.mustSucceed(t, "restore/scripts", "-i", stage); !strings.Contains(out, "restored ") {
		t.Errorf("the restore says %q", out)
	}

	archive := filepath.Join(e.dir, "backup-2026-01-02_03:04:05.tar.gz")
	e.write(t, filepath.Base(archive), "archive", 0o640)
	if out := e.mustSucceed(t, "backup/post.d", archive); !strings.Contains(out, "BACKUP_RSYNC_TARGET is empty") || !strings.Contains(out, "BACKUP_S3_BUCKET is empty") {
		t.Errorf("without a target: %q", out)
	}

	vault := t.TempDir()
	e.vars["BACKUP_RSYNC_TARGET"] = "backup@vault.example:" + vault + "/"
	e.vars["BACKUP_S3_BUCKET"] = "archives/app"
	e.vars["RCLONE_S3_SECRET_ACCESS_KEY"] = "hunter2"
	// Its arguments end with the host and the command.
	e.write(t, "bin/ssh", `#!/bin/sh
echo "$*" >"$IMAGE_RUN_DIR/ssh"
while [ "$1" != vault.example ]; do shift; done
shift
exec "$@"
`, 0o755)
	e.write(t, "bin/rclone", "#!/bin/sh\necho \"$*\" >\"$IMAGE_RUN_DIR/rclone\"\n", 0o755)
	e.mustSucceed(t, "backup/post.d", archive)
	if data, err := os.ReadFile(filepath.Join(vault, filepath.Base(archive))); err != nil || string(data) != "archive" {
		t.Errorf("the copy is %q, %v", data, err)
	}
	ssh := readExample(t, e.vars["IMAGE_RUN_DIR"], "ssh")
	for _, want := range []string{"StrictHostKeyChecking=yes", "BatchMode=yes", "UserKnownHostsFile=" + e.vars["IMAGE_SECRETS_DIR"], "-l backup vault.example"} {
		if !strings.Contains(ssh, want) {
			t.Errorf("ssh got %q, without %s", ssh, want)
		}
	}
	rclone := readExample(t, e.vars["IMAGE_RUN_DIR"], "rclone")
	if want := "copyto " + archive + " :s3:archives/app/" + filepath.Base(archive); !strings.Contains(rclone, want) || strings.Contains(rclone, "hunter2") {
		t.Errorf("rclone got %q, want %q and no key", rclone, want)
	}

	e.write(t, "bin/ssh", "#!/bin/sh\necho no route; exit 255\n", 0o755)
	if out, err := e.run(t, filepath.Join(e.dir, "image/backup/post.d/10-rsync.sh"), archive); err == nil || strings.Contains(out, "copied") {
		t.Errorf("without a network: %v, %q", err, out)
	}
}
