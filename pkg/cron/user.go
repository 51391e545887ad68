package cron

import (
	"fmt"
	"os/exec"
	"os/user"
	"slices"
	"strings"
)

// Suspicions returns a line for each entry that reads as if it had the field that
// /etc/crontab has before the command: the user to run it as. Ours has no such field, so
// the shell would look for a program of the user's name. Where the crontab sets PATH, it
// may find one.
func (t Table) Suspicions() (lines []string) {
	for _, e := range t {
		if slices.ContainsFunc(e.Env, func(entry string) bool { return strings.HasPrefix(entry, "PATH=") }) {
			continue
		}
		name, command, hasMore := strings.Cut(e.Command, " ")
		if command = strings.TrimSpace(command); !hasMore || command == "" || strings.ContainsAny(name, "/=$'\"`({[&|;<>") {
			continue
		}
		if _, err := exec.LookPath(name); err == nil {
			continue
		}
		if _, err := user.Lookup(name); err != nil {
			continue
		}
		lines = append(lines, fmt.Sprintf("%s:%d: %q is a user and no program, and a line of this crontab names no user: write %s %s", e.File, e.Line, name, e.Spec, command))
	}
	return lines
}
