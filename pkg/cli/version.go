package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// These are set by the linker: -X github.com/ZPascal/container-manager/pkg/cli.version=1.2.3.
// revision is for builds that see no checkout to read the commit from.
var (
	version  = "development"
	revision = ""
)

func versionCommand() command {
	return command{
		name:    "version",
		summary: "Print the version, the commit and the Go version",
		run: func(c command, args []string) error {
			if err := c.parseNothing(args); err != nil {
				return err
			}
			fmt.Printf("container-manager %s, commit %s, %s\n", version, commit(), runtime.Version())
			return nil
		},
	}
}

func commit() string {
	if revision != "" {
		return revision
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return "unknown"
}
