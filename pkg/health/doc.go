// Package health runs probes, keeps what they said, and decides which programs
// are restarted for it.
//
// A Check runs all probes of one directory side by side. For a failing one it
// asks for a restart, which a process of its own session carries out (Launch,
// Programs): stopping crond, for one, ends the job that the check itself is.
// What is kept lies below IMAGE_RUN_DIR:
//
//	health/KIND.json           the last result of every probe
//	health/programs/NAME.json  the restarts of a program
//	health/programs/NAME.lock  held by the process that stops or starts it
//	health/programs/NAME.ends  how it ended by itself; see package crashes
package health

import (
	"path/filepath"

	"github.com/ZPascal/container-manager/pkg/config"
)

// Kind is a kind of check.
type Kind string

// The kinds of checks.
const (
	Liveness  Kind = "liveness"
	Readiness Kind = "readiness"
)

// Kinds are all kinds of checks.
func Kinds() []Kind { return []Kind{Liveness, Readiness} }

// Enabled reports whether the kind's check is to do anything.
func (k Kind) Enabled(c config.Config) bool { return k != Liveness || bool(c.LivenessCheck) }

// probeDir is where the kind's probes lie.
func (k Kind) probeDir(c config.Config) string {
	if k == Liveness {
		return c.LivenessDir
	}
	return c.ReadinessDir
}

// Dirs are the directories of this package, parents first.
func Dirs(c config.Config) []string {
	return []string{filepath.Join(c.RunDir, "health"), programDir(c)}
}

func programDir(c config.Config) string { return filepath.Join(c.RunDir, "health", "programs") }
