package supervisorconf

import (
	"regexp"
	"strings"
	"testing"
)

// FuzzConf reads any text as a file of supervisord's. It is written as it was; what is
// set in it is what is read again, and the other options stay as they were.
func FuzzConf(f *testing.F) {
	for _, text := range texts {
		f.Add(text)
	}
	f.Add("[program:a]\nprocess_name = %(program_name)s_%(process_num)02d\nnumprocs = 3\nstdout_logfile = %(ENV_X)s/%%\n[group:g]\nprograms = a,\n[supervisord]\nenvironment = X=\"1\", Y='%(ENV_X)s'\nlogfile = %(here)s/x\n")
	many := regexp.MustCompile(`\d{4}`) // processes, whose number nothing limits
	f.Fuzz(func(t *testing.T, text string) {
		if many.MatchString(text) {
			return
		}
		c := confOf(noEnv, text)
		if got, want := c.Files[0].String(), strings.TrimSuffix(text, "\n")+"\n"; got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
		for _, p := range c.Processes() {
			if p.Section == nil {
				t.Fatalf("%+v belongs to nothing", p)
			}
		}
		_ = c.Logs()
		_, _ = c.Server()
		if len(c.Files[0].Stray) > 0 {
			return // supervisord ends with such a file
		}
		want := merge(c)
		for _, s := range c.Sections {
			s.Set("fuzz", "value")
			want[s.Name]["fuzz"] = "value"
		}
		if got := merge(confOf(noEnv, c.Files[0].String())); !same(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}
