package cron

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/ZPascal/container-manager/pkg/log"
)

// crontabOf returns a crontab of n entries with so many different schedules, of
// lists, ranges, steps and names.
func crontabOf(n, schedules int) string {
	var b strings.Builder
	for i := range n {
		s := i % schedules
		fmt.Fprintf(&b, "%d %d-23/2 %d,%d * MON-FRI /usr/local/bin/job --number %d >>/var/log/job.log 2>&1\n",
			s%60, s/60%12, 1+s/720%14, 15+s/720%14, i)
	}
	return b.String()
}

func BenchmarkParse10000(b *testing.B) {
	for _, schedules := range []int{100, 10_000} {
		b.Run(fmt.Sprintf("%d_schedules", schedules), func(b *testing.B) {
			text := crontabOf(10_000, schedules)
			b.ReportAllocs()
			for b.Loop() {
				if table, err := Parse(strings.NewReader(text), "crontab"); err != nil || len(table) != 10_000 {
					b.Fatalf("%d entries, %v", len(table), err)
				}
			}
		})
	}
}

// BenchmarkBurst200 is from the moment in which 200 jobs are due until the last
// of them has ended.
func BenchmarkBurst200(b *testing.B) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer null.Close()
	s := &scheduler{Runner: &Runner{Environ: os.Environ(), Log: log.New(null, log.Options{})}, ctx: b.Context()}
	jobs := make([]*job, 200)
	for i := range jobs {
		jobs[i] = newJob(&Entry{File: "crontab", Line: i, Command: ":"}, s)
	}
	b.ReportAllocs()
	for b.Loop() {
		var running sync.WaitGroup
		for _, j := range jobs {
			running.Go(j.wrapped.Run)
		}
		running.Wait()
	}
}
