package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/ZPascal/container-manager/test/internal/benchreport"
)

// peerEntries are how long crontabs are of which one entry is due.
var peerEntries = []int{1, 100, 10_000}

// peerMinutes is for how many minutes each cron is looked at.
const peerMinutes = 2

// cron measures how late the one due job of a crontab starts. In even minutes it is ours,
// in odd ones supercronic's.
func (p *peers) cron() error {
	t, err := p.b.newSetUpTree("peer-cron")
	if err != nil {
		return err
	}
	t.set("TZ", "UTC")
	who := []string{benchreport.Ours, "supercronic"}
	stamp := func(side, n int) string { return t.path(fmt.Sprintf("late-%d-%d", side, n)) }
	for side := range who {
		for _, n := range peerEntries {
			var tab strings.Builder
			for i := range n - 1 {
				fmt.Fprintf(&tab, "%d %d 29 2 1 /bin/true %d\n", i%60, i%24, i)
			}
			fmt.Fprintf(&tab, "%d-59/2 * * * * %s %s\n", side, p.app, stamp(side, n))
			path := t.path(fmt.Sprintf("tab-%d-%d", side, n))
			if err := os.WriteFile(path, []byte(tab.String()), 0o644); err != nil {
				return err
			}
			argv := []string{t.bin, "cron", "--crontab", path, "--console"}
			if side == 1 {
				argv = []string{p.supercronic, path}
			}
			cmd := exec.Command(argv[0], argv[1:]...)
			cmd.Env = t.env
			if err := cmd.Start(); err != nil {
				return err
			}
			defer terminate(cmd)
		}
	}
	for range peerMinutes * len(who) {
		minute := time.Now().Truncate(time.Minute).Add(time.Minute)
		side := minute.Minute() % 2
		time.Sleep(time.Until(minute.Add(5 * time.Second))) // looking would slow them down
		for _, n := range peerEntries {
			s := stampFile(stamp(side, n))
			if s.at.Before(minute) {
				return fmt.Errorf("%s, %d entries: the job of %s did not start", who[side], n, minute.Format("15:04"))
			}
			p.row(fmt.Sprintf("cron-%d", n), "Cron", fmt.Sprintf("lateness of the due job of %d entries", n), "ms").took(who[side], s.at.Sub(minute))
			_ = killPID(s.pid)
		}
	}
	return nil
}

// peerSizes are how much is backed up, and how often; more with BENCH_LARGE=1.
func peerSizes() []struct {
	name   string
	size   int64
	rounds int
} {
	sizes := []struct {
		name   string
		size   int64
		rounds int
	}{{"10 MB", 10 << 20, 7}, {"1 GB", 1 << 30, 2}}
	if os.Getenv("BENCH_LARGE") != "" {
		sizes = append(sizes, struct {
			name   string
			size   int64
			rounds int
		}{"10 GB", 10 << 30, 1})
	}
	return sizes
}

// backups measures backups and restores. restic begins with an empty repository each time.
func (p *peers) backups() error {
	for _, s := range peerSizes() {
		if err := p.backup(s.name, s.size, s.rounds); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

func (p *peers) backup(name string, size int64, rounds int) error {
	dir := filepath.Join(p.b.dir, "peer-backup-"+strings.ReplaceAll(name, " ", ""))
	defer os.RemoveAll(dir)
	if err := generate(filepath.Join(dir, "data"), size); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "password"), []byte("bench\n"), 0o600); err != nil {
		return err
	}
	cache := filepath.Join(dir, "cache")
	restic := func(repo string, args string) []string {
		return []string{"sh", "-c", "cd " + dir + " && restic -q --cache-dir " + cache + " -p password -r " + repo + " " + args}
	}
	type pair struct {
		who          string
		pack, unpack *step
	}
	for round := range rounds {
		repo := fmt.Sprintf("repo-%d", round)
		ours, theirs := filepath.Join(dir, "ours.tar.gz"), filepath.Join(dir, "theirs.tar.gz")
		if err := (&step{argv: restic(repo, "init")}).once(); err != nil {
			return err
		}
		for _, s := range []pair{
			{benchreport.Ours, &step{argv: []string{self, "pack", dir, "data", ours}}, &step{argv: []string{self, "unpack", ours}}},
			{"tar and pigz", &step{argv: []string{"sh", "-c", "tar -C " + dir + " -c data | pigz -6 >" + theirs}}, &step{argv: []string{"tar", "-xzf", theirs, "-C"}}},
			{"restic", &step{argv: restic(repo, "backup data")}, &step{argv: restic(repo, `restore latest --target "$0"`)}},
		} {
			s.unpack.into = filepath.Join(dir, fmt.Sprintf("out-%s-%d-", strings.ReplaceAll(s.who, " ", ""), round))
			for _, step := range []*step{s.pack, s.unpack} {
				if err := step.once(); err != nil {
					return fmt.Errorf("%q: %w", step.argv, err)
				}
			}
			p.row("backup-"+name, "Backup", "back up "+name, "ms").took(s.who, s.pack.times[0])
			p.row("restore-"+name, "Restore", "restore "+name, "ms").took(s.who, s.unpack.times[0])
		}
	}
	return nil
}
