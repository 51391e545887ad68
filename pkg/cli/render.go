package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/render"
	"github.com/ZPascal/container-manager/pkg/setup"
	"github.com/ZPascal/container-manager/pkg/similar"
)

func renderCommand() *cobra.Command {
	var asDiff bool
	c := &cobra.Command{
		Use:   "render [--diff] [FILE ...]",
		Short: "Show what a start would write as configuration, against what is there",
		Long: `
It writes nothing. Without FILE it lists the files, each with what the next start would
do: same, changed, new or removed. With FILE it prints what would be written. FILE is
the path, or the end of it: global.conf, conf.d/hello.conf.

What may be a secret is shown as *****. Steps are not run: what one of them changes is
not seen.

Exit codes:
  0  shown
  1  there is no such file
  2  a template, the command line or the environment is invalid
`,
		Example: `
  docker exec hello container-manager render
  docker exec hello container-manager render conf.d/hello.conf
  docker exec hello container-manager render --diff
`,
		RunE: func(_ *cobra.Command, files []string) error { return runRender(os.Stdout, files, asDiff) },
	}
	c.Flags().BoolVar(&asDiff, "diff", false, "print the differences from what is there")
	return c
}

func runRender(out io.Writer, files []string, asDiff bool) error {
	c, err := config.LoadSaved()
	if err != nil {
		return err
	}
	all, err := render.Previews(c, setup.StorageDirs(c)...)
	if _, isInvalid := errors.AsType[*render.Error](err); isInvalid {
		return invalid(err)
	}
	if err != nil {
		return err
	}
	if len(files) > 0 {
		if all, err = named(all, files); err != nil {
			return err
		}
	}
	var text bytes.Buffer
	switch {
	case asDiff:
		for _, p := range all {
			text.Write(difference(p))
		}
	case len(files) > 0:
		for _, p := range all {
			text.WriteString(p.Would)
		}
	default:
		table(&text, "STATE\tFILE", all, func(p render.Preview) []string { return []string{string(p.State), p.Path} })
	}
	_, err = out.Write(text.Bytes())
	return err
}

// named returns the files whose paths end in these, in this order.
func named(all []render.Preview, files []string) (found []render.Preview, err error) {
	var bases []string
	for _, p := range all {
		bases = append(bases, filepath.Base(p.Path))
	}
	for _, file := range files {
		before := len(found)
		for _, p := range all {
			if p.Path == file || strings.HasSuffix(p.Path, "/"+strings.TrimPrefix(filepath.Clean(file), "/")) {
				found = append(found, p)
			}
		}
		if len(found) == before {
			meant := ""
			if nearest := similar.Nearest(filepath.Base(file), bases); nearest != "" && !slices.Contains(bases, file) {
				meant = ": did you mean " + nearest + "?"
			}
			return nil, fmt.Errorf("no start writes %s%s (container-manager render lists the files)", file, meant)
		}
	}
	return found, nil
}

// difference returns a unified diff, nothing when a file stays the same.
func difference(p render.Preview) []byte {
	from, to := p.Path, p.Path+" (next start)"
	switch p.State {
	case render.Same:
		return nil
	case render.New:
		from = "/dev/null"
	case render.Removed:
		to = "/dev/null"
	}
	text := diff.Diff(from, []byte(p.Is), to, []byte(p.Would))
	if len(text) == 0 {
		return fmt.Appendf(nil, "%s: %s, but what differs is not shown\n", p.Path, p.State)
	}
	_, text, _ = bytes.Cut(text, []byte("\n")) // "diff A B", which nobody has run
	return text
}
