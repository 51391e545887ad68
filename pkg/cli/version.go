package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// These are set by the linker: -X github.com/ZPascal/container-manager/pkg/cli.version=1.2.3.
// revision is for builds that see no checkout to read the commit from.
var (
	version  = "development"
	revision = ""
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, the commit and the Go version",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
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
