// Command manifests prints what `kubectl kustomize DIR` would: the objects of a
// kustomization. The module's tests hold the examples' manifests and compose file
// against the types of the API and the compose specification; it is one of its
// own, so that none of what that takes is a dependency of the container manager.
package main

import (
	"fmt"
	"os"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: manifests DIR >FILE.yaml")
		os.Exit(2)
	}
	objects, err := kustomize(os.Args[1])
	if err != nil {
		fmt.Fprintf(os.Stderr, "manifests: %v\n", err)
		os.Exit(1)
	}
	if _, err := os.Stdout.Write(objects); err != nil {
		fmt.Fprintf(os.Stderr, "manifests: %v\n", err)
		os.Exit(1)
	}
}

// kustomize returns the objects of a kustomization as YAML documents.
func kustomize(dir string) ([]byte, error) {
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		return nil, fmt.Errorf("cannot build %s: %w", dir, err)
	}
	return built.AsYaml()
}
