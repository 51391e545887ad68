package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/ZPascal/container-manager/pkg/backup/archive"
)

const (
	backupSize   = 1 << 30 // of the data
	backupRounds = 3
	manyArchives = 1000
)

// benchBackup packs, reads back and unpacks mixed data, in turns with tar, gzip
// and pigz. It needs five times the data's size.
func benchBackup(b *bench) error {
	dir := filepath.Join(b.dir, "backup")
	defer os.RemoveAll(dir)
	if err := generate(filepath.Join(dir, "data"), backupSize); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	ours, theirs := filepath.Join(dir, "ours.tar.gz"), filepath.Join(dir, "theirs.tar.gz")
	pack := &step{argv: []string{self, "pack", dir, "data", ours}}
	tarPack := &step{argv: []string{"sh", "-c", "tar -C " + dir + " -c data | pigz -6 >" + theirs}}
	verify := &step{argv: []string{self, "verify", ours}}
	tarVerify := &step{argv: []string{"tar", "-tzf", theirs}}
	unpack := &step{argv: []string{self, "unpack", ours}, into: filepath.Join(dir, "out-ours-")}
	tarUnpack := &step{argv: []string{"tar", "-xzf", theirs, "-C"}, into: filepath.Join(dir, "out-theirs-")}
	for range backupRounds {
		for _, s := range []*step{tarPack, pack, tarVerify, verify, tarUnpack, unpack} {
			if err := s.once(); err != nil {
				return fmt.Errorf("%q: %w", s.argv, err)
			}
		}
	}
	b.ratio("backup: pack 1 GiB, against tar | pigz -6", pack.times, tarPack.times, 0.5)
	if err := b.sizes(ours, theirs); err != nil {
		return err
	}
	b.ratio("backup: read back, against tar tzf", verify.times, tarVerify.times, 1)
	b.ratio("backup: restore, against tar xzf", unpack.times, tarUnpack.times, 1)
	peak := float64(max(pack.peak, verify.peak, unpack.peak)) / (1 << 20)
	b.atMost("backup: most memory of the three, in MB", fmt.Sprintf("%.0f MB", peak), peak, 64)
	return b.list(dir)
}

func (b *bench) sizes(ours, theirs string) error {
	o, err := os.Stat(ours)
	if err != nil {
		return err
	}
	t, err := os.Stat(theirs)
	if err != nil {
		return err
	}
	b.line("backup: size of the archive, against tar | pigz -6", fmt.Sprintf("%.1f MB", float64(o.Size())/1e6),
		fmt.Sprintf("%.1f MB", float64(t.Size())/1e6), float64(o.Size())/float64(t.Size()), 1.02)
	return nil
}

// step is a command and what its runs took.
type step struct {
	argv  []string
	into  string // not empty: where a new directory for its last argument is made
	times []time.Duration
	peak  int64 // of its memory, in bytes
}

// once runs the command, with nothing left to be written to the disk by whatever
// ran before.
func (s *step) once() error {
	argv := s.argv
	if s.into != "" {
		out := s.into + fmt.Sprint(len(s.times))
		if err := os.Mkdir(out, 0o700); err != nil {
			return err
		}
		argv = append(argv[:len(argv):len(argv)], out)
		defer shrink(out)
	}
	syscall.Sync()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stderr = os.Stderr
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return err
	}
	s.times = append(s.times, time.Since(began))
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		s.peak = max(s.peak, usage.Maxrss<<10)
	}
	return nil
}

// shrink gives the space of large files back. The files stay to the end: for
// minutes ext4 searches its way around those that were deleted, which makes
// every new one take a multiple of its time.
func shrink(dir string) {
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil
		}
		if info, err := d.Info(); err == nil && info.Size() > 1<<20 {
			_ = os.Truncate(path, 0)
		}
		return nil
	})
}

// list lists many archives that no index knows, so that each is looked at.
func (b *bench) list(dir string) error {
	storage, staged, work := filepath.Join(dir, "storage"), filepath.Join(dir, "staged"), filepath.Join(dir, "work")
	for _, d := range []string{storage, staged, work} {
		if err := os.Mkdir(d, 0o700); err != nil {
			return err
		}
	}
	for i := range 20 {
		if err := os.WriteFile(filepath.Join(staged, fmt.Sprint(i)), []byte("content"), 0o600); err != nil {
			return err
		}
	}
	one := filepath.Join(dir, "one.tar.gz")
	if err := packStep([]string{dir, "staged", one}); err != nil {
		return err
	}
	if _, err := archive.ReadHead(source(one)); err != nil {
		return err
	}
	data, err := os.ReadFile(one)
	if err != nil {
		return err
	}
	for i := range manyArchives {
		stamp := time.Date(2020, 1, 1, 1, 2, 0, 0, time.UTC).AddDate(0, 0, i).Format("2006-01-02_15:04:05")
		if err := os.WriteFile(filepath.Join(storage, "backup-"+stamp+".tar.gz"), data, 0o600); err != nil {
			return err
		}
	}
	var times []time.Duration
	for range 10 {
		cmd := exec.Command(b.binary, "backup", "list")
		cmd.Env = []string{"STORAGE_BACKUP_DIR=" + storage, "IMAGE_RUN_DIR=" + dir}
		cmd.Stderr = os.Stderr
		began := time.Now()
		if err := cmd.Run(); err != nil {
			return err
		}
		times = append(times, time.Since(began))
	}
	took := median(times)
	b.atMost(fmt.Sprintf("backup: list %d archives, in seconds", manyArchives), took.Round(time.Millisecond).String(), took.Seconds(), 0.2)
	return nil
}
