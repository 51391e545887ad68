// The runtime would follow the container's CPU limit, and read it from its cgroup
// again every second. Only the packing of a backup runs in parallel, and it asks
// for itself.
//
//go:debug containermaxprocs=0
//go:debug updatemaxprocs=0

// Command container-manager is the entry point of containers that hold more
// than one process; see the package documentation of pkg/boot for what a
// container's life looks like.
package main

import (
	"os"

	"github.com/ZPascal/container-manager/pkg/cli"
)

func main() {
	os.Exit(cli.Main(os.Args))
}
