package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/log"
)

// levelSignal tells a process that stays to look at the level again. Go's runtime passes
// over it in processes that do not listen.
const levelSignal = unix.SIGUSR1

// defaultLevel is the word for the level of IMAGE_LOG_LEVEL.
const defaultLevel = "default"

func logLevelCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "log-level [debug | info | warn | error | default]",
		Short: "Show or change the level of the container manager's own log, until the next start",
		Long: `
It holds for what begins from now on: backups, health checks and all other commands, and
at once for crond, the event listener and stdout-log, which stay. It does not hold for
the container's first process, where that is ours (IMAGE_MAIN_PROGRAM and its like), nor
for the programs of the image. "default" goes back to IMAGE_LOG_LEVEL, as does the
container's next start.

Exit codes:
  0  done
  1  the level cannot be written
  2  the command line or the environment is invalid
`,
		Example: `
  docker exec hello container-manager log-level debug
  docker exec hello container-manager log-level default
`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 || len(args) == 1 && args[0] != defaultLevel && !slices.Contains(config.Levels(), args[0]) {
				return invalid(fmt.Errorf("%q is no level: expected one of %s or %s", strings.Join(args, " "), strings.Join(config.Levels(), ", "), defaultLevel))
			}
			return nil
		},
		ValidArgs: append(config.Levels(), defaultLevel),
		RunE:      func(_ *cobra.Command, args []string) error { return runLogLevel(os.Stdout, args) },
	}
}

func runLogLevel(out io.Writer, args []string) error {
	cfg, err := config.LoadSaved()
	if err != nil {
		return err
	}
	path := config.LevelPath(cfg.RunDir)
	switch {
	case len(args) == 0:
		if chosen := config.ChosenLevel(cfg.RunDir); chosen != "" {
			_, err = fmt.Fprintf(out, "%s, in place of %s (IMAGE_LOG_LEVEL)\n", chosen, cfg.LogLevel)
		} else {
			_, err = fmt.Fprintf(out, "%s (IMAGE_LOG_LEVEL)\n", cfg.LogLevel)
		}
		return err
	case args[0] == defaultLevel:
		if err = os.Remove(path); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	default:
		err = fsutil.WriteFile(path, []byte(args[0]+"\n"), 0o644)
	}
	if err != nil {
		return fmt.Errorf("cannot change the level: %w (has the container started?)", err)
	}
	for _, p := range living(cfg.RunDir) {
		if err := unix.Kill(p.pid, levelSignal); err != nil {
			fmt.Fprintf(out, "%s (process %d) keeps its level: %v\n", p.command, p.pid, err)
			continue
		}
		fmt.Fprintf(out, "%s (process %d) follows\n", p.command, p.pid)
	}
	return nil
}

// stays is a process of ours that stays.
type stays struct {
	pid     int
	command string
}

// living finds the processes that stay among those of this container, which have the same
// IMAGE_RUN_DIR.
func living(runDir string) (found []stays) {
	self, err := os.Stat("/proc/self/exe")
	if err != nil {
		return nil
	}
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		proc := filepath.Join("/proc", entry.Name())
		exe, err := os.Stat(filepath.Join(proc, "exe"))
		if err != nil || !os.SameFile(exe, self) {
			continue
		}
		line, _ := os.ReadFile(filepath.Join(proc, "cmdline"))
		environ, _ := os.ReadFile(filepath.Join(proc, "environ"))
		if command := stayingCommand(strings.Split(string(line), "\x00")); command != "" && hasRunDir(environ, runDir) {
			found = append(found, stays{pid, command})
		}
	}
	return found
}

// stayingCommand returns the subcommand of a command line if its process stays.
func stayingCommand(argv []string) string {
	if len(argv) < 2 {
		return ""
	}
	name := argv[1]
	if name == "script" && len(argv) > 2 {
		name, _ = entryPoint(filepath.Base(argv[2]))
	}
	if slices.Contains([]string{"cron", "eventlistener", "stdout-log"}, name) {
		return name
	}
	return ""
}

func hasRunDir(environ []byte, runDir string) bool {
	return slices.ContainsFunc(bytes.Split(environ, []byte{0}), func(entry []byte) bool {
		return string(entry) == "IMAGE_RUN_DIR="+runDir
	})
}

// livingOptions are logOptions for a process that stays. From now on it looks at the level
// whenever log-level asks it to.
func livingOptions(c config.Config) log.Options {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, levelSignal)
	go func() {
		for range signals {
			log.SetLevel(logOptions(c).Level)
		}
	}()
	return logOptions(c)
}
