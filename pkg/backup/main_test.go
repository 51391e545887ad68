package backup

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/rs/zerolog"

	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/stopmark"
	"github.com/ZPascal/container-manager/test/testenv"
)

// TestMain makes the test binary a program that the tests start to kill it.
func TestMain(m *testing.M) {
	testenv.Main(m, map[string]func([]string) int{
		"hold": func(args []string) int { return status(stopmark.Hold(args[1], args[2], stopmark.Backup)) },
		"backup": func(args []string) int {
			_, err := helperRunner(args).Backup(context.Background())
			return status(err)
		},
		"restore": func(args []string) int {
			_, err := helperRunner(args).Restore(context.Background(), Latest)
			return status(err)
		},
		"recover": func(args []string) int { return status(helperRunner(args).Recover(context.Background())) },
		"first": func(args []string) int {
			r := helperRunner(args)
			_, err := firstStart(r)
			return status(err)
		},
	})
}

// firstStart is what a container's start does that finds no marker. It returns the
// archive that is restored, by this start or one before.
func firstStart(r Runner) (string, error) {
	record := filepath.Join(r.Config.StorageBaseDir, ".record")
	if err := RecoverAtStart(context.Background(), r.Config, r.Log, func() {}); err != nil {
		return "", err
	}
	err := RestoreFirst(context.Background(), r.Config, r.Log, fsutil.Exists(record), func(archive string) error {
		return fsutil.WriteFile(record, []byte(archive), 0o644)
	})
	archive, _ := os.ReadFile(record)
	return string(archive), err
}

func status(err error) int {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// helper is a command: hold RUN-DIR PROGRAM, or another of the programs with BASE
// and the size that no file may be above.
func helper(t testing.TB, what string, args ...string) *exec.Cmd {
	return testenv.Command(t, os.Environ(), what, args...)
}

func helperRunner(args []string) Runner {
	c := newConfig(args[1])
	c.BackupPaths = []string{c.DataDir, c.ConfDir}
	if len(args) > 2 {
		limit, err := strconv.ParseUint(args[2], 10, 64)
		if err == nil {
			signal.Ignore(syscall.SIGXFSZ) // an error will do
			err = syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: limit})
		}
		if err != nil {
			os.Exit(status(err))
		}
	}
	return Runner{Config: c, Log: zerolog.New(os.Stderr)}
}
