// Command dockerlint prints what BuildKit's linter finds in Dockerfiles, and fails
// when that is anything. It is what docker build --check says, without Docker, and
// a module of its own: nothing else here needs BuildKit.
//
//	dockerlint DOCKERFILE ...
//
// The first Dockerfile is that of the image container-manager: others that are FROM
// it may use the variables that it declares.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/solver/pb"
	"github.com/opencontainers/go-digest"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: dockerlint DOCKERFILE ...")
		os.Exit(2)
	}
	images, err := declared(os.Args[1])
	errs := []error{err}
	for _, name := range os.Args[1:] {
		errs = append(errs, lint(context.Background(), name, images))
	}
	if err := errors.Join(errs...); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// lint returns an error with one line for every finding, of all stages.
func lint(ctx context.Context, name string, images anyImage) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	caps := pb.Caps.CapSet(pb.Caps.All())
	results, err := dockerfile2llb.DockerfileLint(ctx, text, dockerfile2llb.ConvertOpt{
		Config:       dockerui.Config{BuildArgs: map[string]string{}},
		SourceMap:    &llb.SourceMap{Filename: name, Language: "Dockerfile", Data: text, Definition: &llb.Definition{}},
		MetaResolver: images,
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

// declared returns the images that Dockerfiles are FROM, of which container-manager
// has the variables that a Dockerfile declares.
func declared(name string) (anyImage, error) {
	f, err := os.Open(name)
	if err != nil {
		return anyImage{}, err
	}
	defer f.Close()
	parsed, err := parser.Parse(f)
	if err != nil {
		return anyImage{}, fmt.Errorf("%s: %w", name, err)
	}
	stages, _, err := instructions.Parse(parsed.AST, nil)
	if err != nil {
		return anyImage{}, fmt.Errorf("%s: %w", name, err)
	}
	var images anyImage
	for _, stage := range stages {
		for _, command := range stage.Commands {
			if env, ok := command.(*instructions.EnvCommand); ok {
				for _, pair := range env.Env {
					images.env = append(images.env, pair.Key+"="+pair.Value)
				}
			}
		}
	}
	return images, nil
}

// anyImage answers for every image, so that none is asked for over the network: one
// for this platform, with nothing in its configuration but PATH, and in that of
// container-manager its variables.
type anyImage struct{ env []string }

func (i anyImage) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	env := []string{"PATH=/bin"}
	if strings.Contains(ref, "/container-manager:") {
		env = append(env, i.env...)
	}
	config, err := json.Marshal(map[string]any{"architecture": "amd64", "os": "linux", "config": map[string]any{"Env": env}})
	return ref, digest.FromBytes(config), config, err
}
