package backup

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/proc"
)

// user is a process that uses something where a restore exchanges files. One that
// writes would go on writing to what was moved away.
type user struct {
	pid    int
	name   string // of its executable
	how    string // what it does, and to which path
	writes bool
}

// usersOf returns the processes that use something at or below one of the
// directories, as far as this user may look. Files that are deleted do not count:
// they are gone for everybody else anyway.
func usersOf(dirs []string) []user {
	var users []user
	for _, pid := range proc.List() {
		dir := fmt.Sprintf("/proc/%d", pid)
		if pid == os.Getpid() {
			continue
		}
		if u := inUse(dir, dirs); u.how != "" {
			name, _ := os.ReadFile(filepath.Join(dir, "comm"))
			u.pid, u.name = pid, strings.TrimSpace(string(name))
			users = append(users, u)
		}
	}
	return users
}

// inUse returns one thing that a process uses below one of the directories, and rather
// one that it writes to.
func inUse(dir string, dirs []string) (u user) {
	note := func(verb, path string, writes bool) {
		for _, below := range dirs {
			if config.Within(path, below) && !strings.HasSuffix(path, " (deleted)") && (u.how == "" || writes && !u.writes) {
				u.how, u.writes = verb+" "+path, writes
			}
		}
	}
	if cwd, err := os.Readlink(filepath.Join(dir, "cwd")); err == nil {
		note("works in", cwd, true)
	}
	fds, _ := os.ReadDir(filepath.Join(dir, "fd"))
	for _, fd := range fds {
		link := filepath.Join(dir, "fd", fd.Name())
		if path, err := os.Readlink(link); err == nil {
			note("has open", path, opensForWriting(link))
		}
	}
	maps, _ := os.ReadFile(filepath.Join(dir, "maps"))
	for line := range strings.Lines(string(maps)) {
		// Address, permissions, offset, device, inode, and the path; see proc(5).
		if i := strings.IndexByte(line, '/'); i >= 0 {
			_, permissions, _ := strings.Cut(line[:i], " ")
			note("has mapped", strings.TrimSuffix(line[i:], "\n"), strings.HasPrefix(permissions, "rw-s"))
		}
	}
	return u
}

// opensForWriting reports whether a descriptor is open for writing. The mode of its link
// below /proc tells that. A directory counts, because files are made through it.
func opensForWriting(link string) bool {
	info, err := os.Lstat(link)
	if err != nil || info.Mode()&0o200 != 0 {
		return true
	}
	info, err = os.Stat(link)
	return err == nil && info.Mode().Type() == fs.ModeDir
}

// checkUnused returns an error that names the processes which use what is about to be moved,
// unless Force is set. Where programs were stopped for the restore, a process that
// only reads is a warning.
func (r Runner) checkUnused(ctx context.Context, targets []target, stopped bool) error {
	if r.Force || len(targets) == 0 {
		return nil
	}
	var dirs []string
	for _, t := range targets {
		dirs = append(dirs, t.Live)
	}
	var writers, readers []user
	for _, u := range usersOf(dirs) {
		if u.writes || !stopped {
			writers = append(writers, u)
		} else {
			readers = append(readers, u)
		}
	}
	if len(readers) > 0 {
		r.Log.Warn().Msgf("%s, and goes on reading what is moved away", r.describeUsers(ctx, readers))
	}
	if len(writers) == 0 {
		return nil
	}
	return fmt.Errorf("%s, and would go on with what is moved away: stop it (--stop NAME, or IMAGE_BACKUP_STOP_PROGRAMS), or say --force",
		r.describeUsers(ctx, writers))
}

func (r Runner) describeUsers(ctx context.Context, users []user) string {
	programs := map[int]string{}
	if r.Programs != nil {
		programs, _ = r.Programs.PIDs(ctx) // without supervisord no program runs
	}
	var all []string
	for _, u := range users {
		program := ""
		if name := programOf(u.pid, programs); name != "" {
			program = " of the program " + name
		}
		all = append(all, fmt.Sprintf("process %d (%s)%s %s", u.pid, u.name, program, u.how))
	}
	return strings.Join(all, "; ")
}

// programOf returns the program that a process is, or descends from.
func programOf(pid int, programs map[int]string) string {
	for pid > 1 {
		if name, ok := programs[pid]; ok {
			return name
		}
		stat, err := proc.ReadStat(pid)
		if err != nil {
			return ""
		}
		pid = stat.Parent
	}
	return ""
}
