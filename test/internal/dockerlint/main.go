// Command dockerlint prints what BuildKit's linter finds in Dockerfiles, and fails
// when that is anything. It is what docker build --check says, without Docker, and
// a module of its own: nothing else here needs BuildKit.
//
//	dockerlint DOCKERFILE ...
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/solver/pb"
	"github.com/opencontainers/go-digest"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: dockerlint DOCKERFILE ...")
		os.Exit(2)
	}
	var errs []error
	for _, name := range os.Args[1:] {
		errs = append(errs, lint(context.Background(), name))
	}
	if err := errors.Join(errs...); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// lint returns an error with one line for every finding, of all stages.
func lint(ctx context.Context, name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	caps := pb.Caps.CapSet(pb.Caps.All())
	results, err := dockerfile2llb.DockerfileLint(ctx, text, dockerfile2llb.ConvertOpt{
		Config:       dockerui.Config{BuildArgs: map[string]string{}},
		SourceMap:    &llb.SourceMap{Filename: name, Language: "Dockerfile", Data: text, Definition: &llb.Definition{}},
		MetaResolver: anyImage{},
		LLBCaps:      &caps,
	})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	var errs []error
	if results.Error != nil {
		errs = append(errs, fmt.Errorf("%s: %s", name, results.Error.Message))
	}
	for _, w := range results.Warnings {
		errs = append(errs, fmt.Errorf("%s:%d: %s: %s", name, w.Location.Ranges[0].Start.Line, w.RuleName, w.Detail))
	}
	return errors.Join(errs...)
}

// anyImage answers for every image, so that none is asked for over the network: one
// for this platform, with nothing in its configuration.
type anyImage struct{}

func (anyImage) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	config := []byte(`{"architecture": "amd64", "os": "linux", "config": {"Env": ["PATH=/bin"]}}`)
	return ref, digest.FromBytes(config), config, nil
}
