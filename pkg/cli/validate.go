package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/validate"
)

func validateCommand() *cobra.Command {
	var o validateOptions
	c := &cobra.Command{
		Use:   "validate [--root DIR] [--env-file FILE] [--verbose] [--json]",
		Short: "Check an image without starting anything",
		Long: `
For the end of a child image's Dockerfile: RUN container-manager validate

  error    every start fails, or what it is about never works
  open     an error, unless the deployment or a step of the start mends it, such as a
           variable that only the deployment knows: see --env-file
  warning  it works, but not as its author may think
  info     nothing to mend: what replaces a built-in file, and when jobs run next. It is
           printed with --verbose and --json

supervisord, logrotate and filebeat check their own files where they are installed. Nothing
is started.

With --root, DIR/image is checked instead of the image that this runs in: a whole tree,
or what a child image adds, which is laid over the tree of the base image here.

Exit codes:
  0  no error
  1  an error
  2  the command line is invalid
`,
		Example: `
  RUN container-manager validate
  docker run --rm hello container-manager validate --json
`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error { return runValidate(o) },
	}
	c.Flags().StringVar(&o.envFile, "env-file", "", "take the deployment's variables from `FILE`, a NAME=VALUE in each line")
	c.Flags().StringVar(&o.root, "root", "", "check `DIR`/image")
	c.Flags().BoolVarP(&o.verbose, "verbose", "v", false, "print information, too")
	c.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return c
}

type validateOptions struct {
	envFile string
	root    string
	json    bool
	verbose bool
}

func runValidate(o validateOptions) error {
	dir, err := os.MkdirTemp("", "validate-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	own := func(text string) string { return text }
	if o.root != "" {
		if own, err = o.elsewhere(dir); err != nil {
			return invalid(err)
		}
	}
	if err := o.prepare(filepath.Join(dir, "run")); err != nil {
		return invalid(err)
	}
	c, err := config.Load()
	var found []validate.Finding
	if bad, isBad := errors.AsType[*config.Error](err); isBad {
		for _, problem := range bad.Problems {
			found = append(found, validate.Finding{Level: validate.Error, Text: problem})
		}
		c.Environ = os.Environ() // with the defaults, and what is wrong
	} else if err != nil {
		return err
	}
	of, err := validate.Image(c, validate.Options{Elsewhere: o.root != "", Builtin: builtin, Now: time.Now()})
	if found = append(found, of...); err != nil {
		return err
	}
	for i := range found {
		found[i].Text = own(found[i].Text)
	}
	if o.json {
		text, err := json.MarshalIndent(append([]validate.Finding{}, found...), "", "  ")
		if err != nil {
			return err
		}
		fmt.Println(string(text))
	} else {
		for _, f := range found {
			if f.Level != validate.Info || o.verbose {
				fmt.Printf("%s: %s\n", f.Level, f.Text)
			}
		}
	}
	if slices.ContainsFunc(found, func(f validate.Finding) bool { return f.Level == validate.Error }) {
		return &exitError{code: exitFailed}
	}
	return nil
}

// prepare adds the deployment's variables to the environment, and a directory for what is
// rendered.
func (o validateOptions) prepare(runDir string) error {
	if o.envFile != "" {
		f, err := os.Open(o.envFile)
		if err != nil {
			return err
		}
		defer f.Close()
		lines := bufio.NewScanner(f)
		for n := 1; lines.Scan(); n++ {
			name, value, isSet := strings.Cut(strings.TrimSpace(lines.Text()), "=")
			if name == "" || name[0] == '#' {
				continue
			}
			if !isSet {
				return fmt.Errorf("%s:%d: %q is no NAME=VALUE", o.envFile, n, name)
			}
			if err := os.Setenv(name, value); err != nil {
				return fmt.Errorf("%s:%d: %s: %w", o.envFile, n, name, err)
			}
		}
		if err := lines.Err(); err != nil {
			return err
		}
	}
	return os.Setenv("IMAGE_RUN_DIR", runDir)
}
