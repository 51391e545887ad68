// Command bench measures what the project promises: as ratios to something that
// runs on the same machine in the same minute, in alternating runs, by their
// medians. Absolute times drift with the machine.
//
//	bench [NAME ...]
//	bench render     writes doc/benchmarks.md anew, from the recorded figures
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// benchmark is one group of measurements.
type benchmark struct {
	name string
	run  func(*bench) error
}

// alone is the group that runs only when it is named.
const alone = "peers"

func benchmarks() []benchmark {
	return []benchmark{
		{"start", benchStart},
		{"programs", benchPrograms},
		{"stop", benchStop},
		{"listener", benchListener},
		{"order", benchOrder},
		{"tree", benchTree},
		{"validate", benchValidate},
		{"health", benchHealth},
		{"http", benchHTTP},
		{"main", benchMain},
		{"recovery", benchRecovery},
		{"memory", benchMemory},
		{"cron", benchCron},
		{"backup", benchBackup},
		{"stdout", benchStdout},
		{"image", benchImage},
		{"overlay", benchOverlay},
		{alone, benchPeers},
	}
}

// steps are what this program runs in processes of its own, so that each has a
// peak of memory to itself.
func steps() map[string]func([]string) error {
	return map[string]func([]string) error{"pack": packStep, "verify": verifyStep, "unpack": unpackStep, "parse": parseStep, "lines": writeLines, "starts": startsStep, "web": webStep, "sayok": sayOKStep}
}

// bench is what the benchmarks share.
type bench struct {
	dir    string // private, removed at the end
	binary string // container-manager
	files  string // the project's files/
	failed bool
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == "stamp" {
		stamp(os.Args[2])
		return
	}
	if len(os.Args) > 2 && steps()[os.Args[1]] != nil {
		if err := steps()[os.Args[1]](os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if slices.Equal(os.Args[1:], []string{"render"}) {
		if err := render("."); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(names []string) error {
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return err
	}
	b := &bench{dir: dir}
	defer b.clean()
	if b.files, err = filepath.Abs("files"); err != nil {
		return err
	}
	if b.binary, err = build(dir); err != nil {
		return err
	}
	fmt.Printf("%-58s %12s %12s %8s %8s\n", "", "ours", "reference", "ratio", "at most")
	for _, benchmark := range benchmarks() {
		if len(names) > 0 && !slices.Contains(names, benchmark.name) || len(names) == 0 && benchmark.name == alone {
			continue
		}
		if err := benchmark.run(b); err != nil {
			return fmt.Errorf("%s: %w", benchmark.name, err)
		}
	}
	if b.failed {
		return fmt.Errorf("a promise is not kept, see the mark")
	}
	return nil
}

// ratio prints one line: the medians of two series of alternating runs.
func (b *bench) ratio(what string, ours, reference []time.Duration, limit float64) {
	o, r := median(ours), median(reference)
	b.line(what, o.Round(10*time.Microsecond).String(), r.Round(10*time.Microsecond).String(), float64(o)/float64(r), limit)
}

// compare prints one line without a limit.
func (b *bench) compare(what string, ours, reference []time.Duration) {
	o, r := median(ours), median(reference)
	fmt.Printf("%-58s %12s %12s %8.2f\n", what, o.Round(10*time.Microsecond), r.Round(10*time.Microsecond), float64(o)/float64(r))
}

// atMost prints one line for a value that has a limit of its own.
func (b *bench) atMost(what, ours string, value, limit float64) {
	b.line(what, ours, "", value, limit)
}

func (b *bench) line(what, ours, reference string, value, limit float64) {
	mark := ""
	if value > limit {
		mark = " !"
		b.failed = true
	}
	fmt.Printf("%-58s %12s %12s %8.2f %8.2f%s\n", what, ours, reference, value, limit, mark)
}

func median(d []time.Duration) time.Duration {
	d = slices.Sorted(slices.Values(d))
	return d[len(d)/2]
}

func mean(d []time.Duration) time.Duration {
	var sum time.Duration
	for _, x := range d {
		sum += x
	}
	return sum / time.Duration(len(d))
}
