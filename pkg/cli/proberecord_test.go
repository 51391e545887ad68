package cli

import (
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

func TestProbeRecords(t *testing.T) {
	c := newContainer(t)
	testenv.Script(t, c.Path("image/setup/run.always/10-jobs.sh"),
		`printf '%s\n' '# name: greet all' '@reboot echo hello' '# name: fail' '@reboot exit 7' '0 0 1 1 * rarely' >>$IMAGE_CRON_DIR/kubernetes`)
	c.want(1, `cannot read the crontab: open `, "probe", "job", "greet all")
	c.start()
	testenv.WaitFor(t, "the job has run", func() bool {
		code, _ := c.exec("probe", "job", "greet all", "--newer", "2h")
		return code == 0
	})
	testenv.WaitFor(t, "the other job has failed", func() bool {
		return testenv.Exists(c.Path("run/cron/jobs/fail.json")) && c.says("fail has not gone well yet; the last run, ", "probe", "job", "fail")
	})
	c.want(1, "kubernetes:8 has not run yet", "probe", "job", "kubernetes:8")
	c.want(1, `there is no job "greet": the crontab has "check-liveness", "check-readiness", "logrotate", "greet all", "fail", "kubernetes:`, "probe", "job", "greet")
	c.want(1, "greet all went well last ", "probe", "job", "--newer", "1ns", "greet all")
	c.want(2, "expected a duration", "probe", "job", "--newer", "soon", "greet all")
	c.want(2, "probe job wants one NAME", "probe", "job")

	c.want(1, "no backup has been made yet: "+c.Path("storage/backup/.last-backup.json")+" does not exist", "probe", "backup", "--newer", "26h")
	c.want(0, "", "backup")
	c.want(0, "", "probe", "backup", "--newer", "26h")
	c.want(0, "", "probe", "backup")
	c.want(1, "which is not newer than 1ns", "probe", "backup", "--newer", "1ns")
	c.want(2, "backup takes no arguments", "probe", "backup", "26h")
	testenv.Write(t, c.Path("storage/backup/.last-backup.json"), "{", 0o640)
	c.want(1, "is damaged: the next backup writes it anew", "probe", "backup")
}

// says reports whether a command says so.
func (c *container) says(text string, args ...string) bool {
	_, said := c.exec(args...)
	return strings.Contains(said, text)
}
