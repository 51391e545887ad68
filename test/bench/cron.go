package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ZPascal/container-manager/pkg/cron"
)

// supercronic does the same job as our cron, and is known to do it well.
const supercronic = "github.com/aptible/supercronic@v0.2.48"

const (
	manyEntries = 10_000
	dueJobs     = 200
	dueRounds   = 2 // minutes of each
	idleTime    = time.Minute
)

// benchCron compares cron with supercronic: reading a long crontab, sleeping
// until the next job, and starting many jobs in one second.
func benchCron(b *bench) error {
	install := exec.Command("go", "install", supercronic)
	install.Env = append(os.Environ(), "GOBIN="+b.dir)
	install.Stderr = os.Stderr
	if err := install.Run(); err != nil {
		return err
	}
	t, err := b.newSetUpTree("cron")
	if err != nil {
		return err
	}
	t.set("TZ", "UTC")
	c := crons{b: b, tree: t, theirs: filepath.Join(b.dir, "supercronic")}
	for _, measure := range []func() error{c.parse, c.idle, c.due} {
		if err := measure(); err != nil {
			return err
		}
	}
	return nil
}

type crons struct {
	b      *bench
	tree   *tree
	theirs string
}

// table writes a crontab of n lines.
func (c crons) table(name string, n int, line func(i int) string) (string, error) {
	var text strings.Builder
	for i := range n {
		text.WriteString(line(i) + "\n")
	}
	path := c.tree.path(name)
	return path, os.WriteFile(path, []byte(text.String()), 0o644)
}

// parse lets both check a crontab. Ours computes the next three times of each
// entry besides.
func (c crons) parse() error {
	tab, err := c.table("many", manyEntries, func(i int) string {
		return fmt.Sprintf("%d %d-23/2 %d,%d * MON-FRI /usr/local/bin/job --number %d >>/var/log/job.log 2>&1",
			i%60, i/60%12, 1+i/720%14, 15+i/720%14, i)
	})
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	alone := checker{argv: []string{self, "parse", tab}}
	ours := checker{argv: []string{c.tree.bin, "cron", "--test", tab}}
	theirs := checker{argv: []string{c.theirs, "-test", tab}}
	var parsed []time.Duration
	for range 7 {
		for _, side := range []*checker{&alone, &ours, &theirs} {
			if err := side.run(c.tree.env); err != nil {
				return err
			}
		}
		took, err := time.ParseDuration(alone.output)
		if err != nil {
			return err
		}
		parsed = append(parsed, took)
	}
	what := fmt.Sprintf("crontab of %d entries", manyEntries)
	c.b.limit(what+", parsed : 50 ms", median(parsed), 50*time.Millisecond)
	c.b.atMost(what+", parsed, memory : 20 MB", megabytes(alone.peak), float64(alone.peak)/20e6, 1)
	c.b.ratio(what+", checked : supercronic", ours.times, theirs.times, 1)
	c.b.line(what+", checked, memory : supercronic", megabytes(ours.peak), megabytes(theirs.peak), float64(ours.peak)/float64(theirs.peak), 1)
	return nil
}

// parseStep FILE parses a crontab as crond does, and prints how long it took.
func parseStep(args []string) error {
	began := time.Now()
	f, err := os.Open(args[0])
	if err != nil {
		return err
	}
	defer f.Close()
	table, err := cron.Parse(f, args[0])
	if err == nil && len(table) != manyEntries {
		err = fmt.Errorf("%s: %d entries", args[0], len(table))
	}
	fmt.Println(time.Since(began))
	return err
}

// checker is a command that checks a crontab.
type checker struct {
	argv   []string
	times  []time.Duration
	peak   int64 // bytes
	output string
}

func (c *checker) run(env []string) error {
	var out bytes.Buffer
	cmd := exec.Command(c.argv[0], c.argv[1:]...)
	cmd.Env, cmd.Stdout = env, &out
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.peak = max(c.peak, peak(cmd.Process.Pid))
	}()
	err := cmd.Wait()
	c.times = append(c.times, time.Since(began))
	<-done
	if err != nil {
		return fmt.Errorf("%s: %w", c.argv[0], err)
	}
	c.output = strings.TrimSpace(out.String())
	return nil
}

// peak is the most memory in bytes that a process has had until it ended. What
// wait(2) tells of it counts this process in, which it was forked from.
func peak(pid int) (most int64) {
	for {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		_, after, ok := strings.Cut(string(text), "\nVmHWM:")
		if err != nil || !ok {
			return most
		}
		var kib int64
		_, _ = fmt.Sscan(after, &kib)
		most = max(most, kib<<10)
		time.Sleep(time.Millisecond)
	}
}

// idle lets both sleep at the same time.
func (c crons) idle() error {
	tab, err := c.table("ten", 10, func(i int) string { return fmt.Sprintf("%d 0 29 2 * /usr/local/bin/job --number %d", i, i) })
	if err != nil {
		return err
	}
	end, pids, err := c.daemons(tab, tab)
	if err != nil {
		return err
	}
	defer end()
	time.Sleep(3 * time.Second) // until both have nothing more to do
	cpu, theirCPU := -cpuTime(pids[0]), -cpuTime(pids[1])
	time.Sleep(idleTime)
	cpu, theirCPU = cpu+cpuTime(pids[0]), theirCPU+cpuTime(pids[1])
	ours, theirs := pss(pids[0]), pss(pids[1])
	c.b.line("cron that sleeps, memory (PSS) : supercronic", megabytes(ours), megabytes(theirs), float64(ours)/float64(theirs), 1)
	c.b.line("cron that sleeps, CPU time : supercronic", cpu.String(), theirCPU.String(), float64(cpu)/float64(max(theirCPU, clockTick)), 1)
	return nil
}

// due lets both start many jobs in one second, each in minutes of its own, and
// takes the best of them: one other process at the wrong moment costs as much.
func (c crons) due() error {
	dirs := []string{c.tree.path("ours"), c.tree.path("theirs")}
	var tabs []string
	for i, dir := range dirs {
		tab, err := c.table("due-"+filepath.Base(dir), dueJobs, func(job int) string {
			return fmt.Sprintf("%d-59/2 * * * * : >%s/%d", i, dir, job)
		})
		if err != nil {
			return err
		}
		tabs = append(tabs, tab)
	}
	var times [2][]time.Duration
	end, _, err := c.daemons(tabs...)
	if err != nil {
		return err
	}
	defer end()
	for len(times[0]) < dueRounds || len(times[1]) < dueRounds {
		for _, dir := range dirs {
			if err := os.RemoveAll(dir); err != nil {
				return err
			}
			if err := os.Mkdir(dir, 0o755); err != nil {
				return err
			}
		}
		minute := time.Now().Truncate(time.Minute).Add(time.Minute)
		side := minute.Minute() % 2
		time.Sleep(time.Until(minute.Add(time.Second))) // looking would slow them down
		err := waitFor(30*time.Second, func() bool { return len(started(dirs[side])) == dueJobs })
		if err != nil {
			return fmt.Errorf("%d jobs in %s: %w", len(started(dirs[side])), dirs[side], err)
		}
		times[side] = append(times[side], slices.MaxFunc(started(dirs[side]), time.Time.Compare).Sub(minute))
	}
	ours, theirs := slices.Min(times[0]), slices.Min(times[1])
	what := fmt.Sprintf("%d jobs of one second, last start", dueJobs)
	c.b.limit(what+" : 250 ms", ours, 250*time.Millisecond)
	c.b.ratio(what+" : supercronic", []time.Duration{ours}, []time.Duration{theirs}, 1)
	return nil
}

// started returns when the jobs that note themselves in a directory began.
func started(dir string) (times []time.Time) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			times = append(times, info.ModTime())
		}
	}
	return times
}

// daemons starts ours with the first crontab and supercronic with the second.
func (c crons) daemons(tabs ...string) (end func(), pids []int, err error) {
	var running []*exec.Cmd
	end = func() {
		for _, cmd := range running {
			terminate(cmd)
		}
	}
	for _, argv := range [][]string{{c.tree.bin, "cron", "--crontab", tabs[0], "--console"}, {c.theirs, tabs[1]}} {
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Env = c.tree.env
		if err := cmd.Start(); err != nil {
			end()
			return nil, nil, err
		}
		running, pids = append(running, cmd), append(pids, cmd.Process.Pid)
	}
	return end, pids, nil
}

// benchMemory measures what a container pays for us all the time.
func benchMemory(b *bench) error {
	t, err := b.newTree("memory")
	if err != nil {
		return err
	}
	t.set("IMAGE_CRON_ENABLED", "1")
	cmd, err := t.startAndWait([]string{t.bin, "run"}, "health", "crond")
	if err != nil {
		return err
	}
	defer terminate(cmd)
	var pids []int
	for _, program := range []string{"crond", "health"} {
		pid, err := t.pid(program)
		if err != nil {
			return err
		}
		pids = append(pids, pid)
	}
	cpu := -cpuTime(pids[0]) - cpuTime(pids[1])
	time.Sleep(idleTime)
	cpu += cpuTime(pids[0]) + cpuTime(pids[1])
	ours, supervisord := pss(pids[0])+pss(pids[1]), pss(cmd.Process.Pid)
	b.line("crond and event listener, memory (PSS) : supervisord", megabytes(ours), megabytes(supervisord), float64(ours)/float64(supervisord), 0.4)
	b.atMost("crond and event listener, CPU while idle : 0.1 %", cpu.String(), float64(cpu)/float64(idleTime)*1000, 1)
	return nil
}

func megabytes(bytes int64) string { return fmt.Sprintf("%.1fMB", float64(bytes)/1e6) }

// pss is a process's memory in bytes, of what it shares its part.
func pss(pid int) int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	_, after, _ := strings.Cut(string(text), "\nPss:")
	var kib int64
	_, _ = fmt.Sscan(after, &kib)
	return kib << 10
}

// clockTick is the unit of the kernel's account of processor time.
const clockTick = 10 * time.Millisecond

// cpuTime is the processor time that a process has used; see proc(5).
func cpuTime(pid int) time.Duration {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	var user, system int64
	_, _ = fmt.Sscan(fields[11]+" "+fields[12], &user, &system)
	return time.Duration(user+system) * clockTick
}
