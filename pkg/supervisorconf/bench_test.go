package supervisorconf

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

// BenchmarkLoad reads a configuration of 50 included files.
func BenchmarkLoad(b *testing.B) {
	dir := testenv.Dir(b)
	conf := filepath.Join(dir, "global.conf")
	testenv.Write(b, conf, "[supervisord]\nnodaemon = true\n[include]\nfiles = conf.d/*.conf\n", 0o644)
	for i := range 50 {
		testenv.Write(b, filepath.Join(dir, fmt.Sprintf("conf.d/p%d.conf", i)),
			fmt.Sprintf("; a program\n[program:p%d]\ncommand = %%(ENV_APP)s/p --number %d ; its comment\nautorestart = true\nstdout_logfile = /var/log/p.log\n", i, i), 0o644)
	}
	lookup := func(string) (string, bool) { return "/app", true }
	b.ReportAllocs()
	for b.Loop() {
		c, err := Load(conf, lookup)
		if err != nil || len(c.Processes()) != 50 {
			b.Fatal(err)
		}
	}
}
