package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// These are set by the linker: -X github.com/ZPascal/container-manager/pkg/cli.version=1.2.3.
// revision is for builds that see no checkout to read the commit from. Without make,
// go install knows the version of the module, and go build that of the checkout's tag.
var (
	version  = ""
	revision = ""
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, the commit and the Go version",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			fmt.Printf("container-manager %s, commit %s, %s\n", release(), commit(), runtime.Version())
			return nil
		},
	}
}

func release() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && strings.HasPrefix(info.Main.Version, "v") {
		return info.Main.Version[1:]
	}
	return "development"
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
