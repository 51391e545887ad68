package cron

import (
	"fmt"
	"strings"
	"testing"
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
