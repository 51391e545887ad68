package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ZPascal/container-manager/test/internal/benchreport"
)

// pebbleVersion is the last release that the Go module proxy builds.
const pebbleVersion = "v1.19.2"

// peers measures the project beside other tools, and collects the figures.
type peers struct {
	b           *bench
	app         string // the stamper
	pebble      string
	supercronic string
	report      benchreport.Report
	names       []string // of the rows, in their order
	rows        map[string]*row
}

// row is what a row is called, and the values of each tool.
type row struct {
	benchreport.Row
	who    []string
	values map[string][]float64
}

// benchPeers writes doc/benchmarks.md, with plots and the figures behind them.
func benchPeers(b *bench) error {
	p := &peers{b: b, rows: map[string]*row{}}
	if err := p.install(); err != nil {
		return err
	}
	for _, part := range []struct {
		name    string
		measure func() error
	}{
		{"starts", p.starts}, {"stays", p.stays}, {"web", p.web}, {"cron", p.cron}, {"backups", p.backups},
	} {
		if only := os.Getenv(partVariable); only != "" && only != part.name {
			continue
		}
		began := time.Now()
		if err := part.measure(); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
		fmt.Printf("peers: %s, %s\n", part.name, time.Since(began).Round(time.Second))
	}
	p.report.Date = time.Now().UTC().Format(time.DateOnly)
	p.report.Machine, p.report.Versions = machine(), p.versions()
	for _, name := range p.names {
		r := p.rows[name]
		for _, who := range r.who {
			r.Results = append(r.Results, benchreport.Of(who, r.values[who]))
		}
		p.report.Rows = append(p.report.Rows, r.Row)
	}
	repository := filepath.Dir(b.files)
	if os.Getenv(partVariable) != "" {
		recorded, err := benchreport.Load(repository)
		if err != nil {
			return err
		}
		p.report = recorded.With(p.report.Rows)
	}
	return p.report.Write(repository)
}

// partVariable names the only part that is to be measured. The rest stays as recorded.
const partVariable = "PEERS"

// row declares a row, once.
func (p *peers) row(name, group, title, unit string) *row {
	if p.rows[name] == nil {
		p.rows[name] = &row{Row: benchreport.Row{Name: name, Group: group, Title: title, Unit: unit}, values: map[string][]float64{}}
		p.names = append(p.names, name)
	}
	return p.rows[name]
}

func (r *row) add(who string, value float64) {
	if !slices.Contains(r.who, who) {
		r.who = append(r.who, who)
	}
	r.values[who] = append(r.values[who], value)
}

// took adds a time, in milliseconds.
func (r *row) took(who string, d time.Duration) { r.add(who, d.Seconds()*1000) }

// install builds what no distribution has.
func (p *peers) install() error {
	p.app, p.pebble, p.supercronic = filepath.Join(p.b.dir, "stamper"), filepath.Join(p.b.dir, "pebble"), filepath.Join(p.b.dir, "supercronic")
	// A module of its own, because the proxy lists no versions of pebble for go install.
	module := filepath.Join(p.b.dir, "pebble-module")
	err := os.MkdirAll(module, 0o755)
	if err != nil {
		return err
	}
	mod := "module peers\n\ngo 1.24\n\nrequire github.com/canonical/pebble " + pebbleVersion + "\n"
	if err := os.WriteFile(filepath.Join(module, "go.mod"), []byte(mod), 0o644); err != nil {
		return err
	}
	for _, step := range []struct {
		dir  string
		env  string
		argv []string
	}{
		{"", "CGO_ENABLED=0", []string{"go", "build", "-trimpath", "-ldflags=-s -w", "-o", p.app, "./test/bench/stamper"}},
		{"", "GOBIN=" + p.b.dir, []string{"go", "install", supercronic}},
		{module, "CGO_ENABLED=0", []string{"go", "build", "-mod=mod", "-o", p.pebble, "github.com/canonical/pebble/cmd/pebble"}},
	} {
		cmd := exec.Command(step.argv[0], step.argv[1:]...)
		cmd.Dir, cmd.Env = step.dir, append(os.Environ(), step.env)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%q: %w\n%s", step.argv, err, out)
		}
	}
	return nil
}

func machine() []benchreport.Fact {
	first := func(file, name string) string {
		data, _ := os.ReadFile(file)
		_, after, _ := strings.Cut(string(data), name)
		value, _, _ := strings.Cut(strings.TrimLeft(after, "\t :"), "\n")
		return value
	}
	kernel, _ := exec.Command("uname", "-sr").Output()
	cores, _ := exec.Command("nproc").Output()
	return []benchreport.Fact{
		{Name: "processor", Value: first("/proc/cpuinfo", "model name") + ", " + strings.TrimSpace(string(cores)) + " cores"},
		{Name: "memory", Value: first("/proc/meminfo", "MemTotal")},
		{Name: "kernel", Value: strings.TrimSpace(string(kernel))},
		{Name: "system", Value: strings.Trim(first("/etc/os-release", "PRETTY_NAME="), `"`)},
		{Name: "load when it ended", Value: strings.Join(strings.Fields(first("/proc/loadavg", ""))[:3], " ")},
	}
}

func (p *peers) versions() []benchreport.Fact {
	own, _ := exec.Command(p.b.binary, "version").Output()
	facts := []benchreport.Fact{{Name: benchreport.Ours, Value: strings.TrimSpace(strings.TrimPrefix(string(own), benchreport.Ours))}}
	for _, debian := range []string{"supervisor", "s6", "runit", "tini", "dumb-init", "pigz", "tar", "restic"} {
		version, err := exec.Command("dpkg-query", "-W", "-f=${Version}", debian).Output()
		if err == nil {
			facts = append(facts, benchreport.Fact{Name: debian, Value: string(version) + " (the distribution's package)"})
		}
	}
	return append(facts,
		benchreport.Fact{Name: "pebble", Value: pebbleVersion},
		benchreport.Fact{Name: "supercronic", Value: supercronic[strings.LastIndexByte(supercronic, '@')+1:]})
}

// appCounts is how many apps are started, and how often.
var appCounts = []struct{ apps, rounds int }{{1, 11}, {10, 7}, {50, 5}, {200, 3}}

// starts measures starts and, with ten apps, stops.
func (p *peers) starts() error {
	for _, count := range appCounts {
		sides, err := p.sides(count.apps)
		if err != nil {
			return err
		}
		for round := range count.rounds + 1 {
			for _, i := range rand.Perm(len(sides)) {
				if err := p.startAndStop(sides[i], count.apps, round); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// stopApps is how many apps are stopped.
const stopApps = 10

func (p *peers) startAndStop(s *side, apps, round int) error {
	l, err := s.start(apps)
	if err != nil {
		return err
	}
	if apps == stopApps {
		// Each round at another moment of the second that supervisord's poll takes.
		time.Sleep(1200*time.Millisecond + time.Duration(round)*110*time.Millisecond)
	}
	stopped, err := l.end()
	if err != nil || round == 0 { // that is a warm-up
		return err
	}
	const group = "From the entry to the apps"
	if apps == 1 {
		p.row("start-1", group, "the first instruction of one app", "ms").took(s.who, l.last)
	} else {
		p.row(fmt.Sprintf("start-%d", apps), group, fmt.Sprintf("the last of %d apps", apps), "ms").took(s.who, l.last)
	}
	if apps == stopApps && s.who != wokenSupervisord {
		p.row("stop", "Stop", "the signal to the end of everything, 10 apps", "ms").took(s.who, stopped)
	}
	return nil
}

// render writes the page and the plots anew.
func render(repository string) error {
	report, err := benchreport.Load(repository)
	if err != nil {
		return err
	}
	return report.Write(repository)
}
