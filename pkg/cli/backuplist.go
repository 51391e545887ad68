package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/ZPascal/container-manager/pkg/backup"
)

func backupListCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "list [--json]",
		Short: "Describe the archives, the newest first",
		Args:  noArguments,
		RunE:  func(*cobra.Command, []string) error { return runBackupList(asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print a JSON array")
	return c
}

func runBackupList(asJSON bool) error {
	return withRunner("backup", func(r backup.Runner, ctx context.Context) (backup.Result, error) {
		list, err := r.List(ctx)
		if err != nil {
			return backup.Result{}, err
		}
		if asJSON {
			out := json.NewEncoder(os.Stdout)
			out.SetIndent("", "  ")
			return backup.Result{}, out.Encode(list)
		}
		return backup.Result{}, printList(os.Stdout, list)
	})
}

// printList prints a table. What is not known is a dash.
func printList(w io.Writer, list []backup.Listed) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tTIME\tSIZE\tFILES\tVERIFIED\tIMAGE\tAPP\tNOTES")
	for _, l := range list {
		files := "-"
		if l.Files != nil {
			files = fmt.Sprint(*l.Files)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", l.Name, moment(l.Time), backup.Size(l.Size), files,
			moment(l.Verified), label(l.Image, l.ImageVersion), label(l.App, l.AppVersion), cmp.Or(notes(l), "-"))
	}
	return t.Flush()
}

func moment(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.Local().Format(time.DateTime)
}

func label(name, version string) string {
	if version != "" {
		version = ":" + version
	}
	return cmp.Or(name+version, "-")
}

func notes(l backup.Listed) string {
	var notes []string
	if l.Encrypted {
		notes = append(notes, "encrypted")
	}
	if l.Incomplete {
		notes = append(notes, "incomplete")
	}
	if l.Problem != "" {
		notes = append(notes, l.Problem)
	}
	return strings.Join(notes, ", ")
}

func backupVerifyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "verify [FILE ...]",
		Short: "Read the archives named, or all, to their ends and compare every sum",
		RunE:  func(_ *cobra.Command, files []string) error { return runBackupVerify(files) },
	}
}

func runBackupVerify(files []string) error {
	return withRunner("backup", func(r backup.Runner, ctx context.Context) (backup.Result, error) {
		paths, err := toVerify(r, files)
		if err != nil {
			return backup.Result{}, err
		}
		failed := 0
		for _, path := range paths {
			head, err := r.Verify(ctx, path)
			switch {
			case ctx.Err() != nil:
				return backup.Result{}, err
			case err != nil:
				fmt.Println(err)
				failed++
			case head == nil:
				fmt.Printf("%s: whole, by the sums of gzip; it has no manifest\n", path)
			default:
				fmt.Printf("%s: whole, %d files, %s\n", path, head.Files, backup.Size(head.Bytes))
			}
		}
		if failed > 0 {
			return backup.Result{}, fmt.Errorf("%d of %d archives cannot be restored", failed, len(paths))
		}
		return backup.Result{}, nil
	})
}

// toVerify returns the paths of the archives named, or of all.
func toVerify(r backup.Runner, names []string) ([]string, error) {
	var paths []string
	for _, name := range names {
		path, err := r.Find(name)
		if err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	if len(names) > 0 {
		return paths, nil
	}
	archives, err := backup.Archives(r.Config.BackupDir)
	for _, a := range archives {
		paths = append(paths, a.Path)
	}
	return paths, err
}
