// Package health runs probes, keeps their results, and decides which programs are
// restarted.
//
// A Check runs all probes of one directory side by side. For a failing probe it asks for
// a restart. A process of its own session carries the restart out (Launch, Programs),
// because the check is often a job of crond: stopping crond ends the check. These files
// lie below IMAGE_RUN_DIR:
//
//	health/KIND.json           the last result of every probe
//	health/programs/NAME.json  the restarts of a program
//	health/programs/NAME.lock  held by the process that stops or starts it
//	health/programs/NAME.ends  how it ended by itself; see package crashes
//	health/programs/NAME.pause when it is started again; see package backoff
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
