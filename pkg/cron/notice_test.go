package cron

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/script"
)

// notices returns a runner with what it tells the container's log.
func notices() (*Runner, *bytes.Buffer) {
	var said bytes.Buffer
	return &Runner{Notice: log.Named(log.New(&said, log.Options{}), "cron"), LogFile: "/logs/crond.log"}, &said
}

// taken empties what was told, without the times.
func taken(said *bytes.Buffer) string {
	_, text, _ := strings.Cut(said.String(), "\t")
	said.Reset()
	return strings.TrimSpace(text)
}

func TestFailingJobsAreNoticedOnce(t *testing.T) {
	r, said := notices()
	e := Entry{File: "/image/cron/kubernetes", Line: 3, Command: "/image/app/report.sh --password=secret", Label: "report"}
	j := newJob(&e, &scheduler{Runner: r})
	failure := &script.Error{Path: "/bin/sh", Status: 7, Tail: []string{"a", "b", "c", "no such host"}}
	for _, test := range []struct {
		err  error
		want string
	}{
		{nil, ""},
		{failure, "ERROR\tcron report (kubernetes:3) fails: exit status 7, last output: b | c | no such host (see /logs/crond.log)"},
		{failure, ""},
		{errEnding, ""},
		{nil, "INFO\tcron report (kubernetes:3) succeeds again"},
		{nil, ""},
		{errors.New("cannot start"), "ERROR\tcron report (kubernetes:3) fails: cannot start (see /logs/crond.log)"},
	} {
		j.notice(e, test.err)
		if got := taken(said); got != test.want {
			t.Errorf("after %v: told %q, want %q", test.err, got, test.want)
		}
	}
}

func TestBadLinesAreNoticedOnce(t *testing.T) {
	r, said := notices()
	file := t.TempDir() + "/kubernetes"
	write(t, file, "61 * * * * x\n* * * * * root /bin/true now\n")
	r.Files = []string{file}
	for range 2 {
		if _, err := r.read(0); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{
		file + ":1: minute 61 is above 59: left out\n",
		file + `:2: "root" is a user and no program, and a line of this crontab names no user: write * * * * * /bin/true now` + "\n",
	} {
		if n := strings.Count(said.String(), want); n != 1 {
			t.Errorf("told %d times, want once: %s\n%s", n, want, said.String())
		}
	}
}

func TestSuspicions(t *testing.T) {
	for command, want := range map[string]bool{
		"root /bin/true": true, "nobody x y": true, "root": false, "/bin/true root": false, "sh -c x": false, "A=1 root x": false, "nosuchuser x": false,
		"root /bin/true\nPATH=/opt/bin\n": true, "true\nPATH=/opt/bin\n* * * * * root /bin/true": false,
	} {
		table, err := Parse(strings.NewReader("* * * * * "+command+"\n"), "tab")
		if err != nil {
			t.Fatal(err)
		}
		if got := table.Suspicions(); (len(got) > 0) != want {
			t.Errorf("%s: %q", command, got)
		}
	}
}
