package backup

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/ZPascal/container-manager/pkg/backup/archive"
	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/retention"
	"github.com/ZPascal/container-manager/pkg/scriptdir"
)

// DryRun says what a backup would do now. It runs and writes nothing.
func (r Runner) DryRun(ctx context.Context, w io.Writer) error {
	recipients, err := r.recipients()
	if err != nil {
		return err
	}
	for _, name := range r.Config.BackupStop {
		fmt.Fprintf(w, "stop %s\n", name)
	}
	if err := listScripts(w, r.Config.BackupScriptsDir, "run"); err != nil {
		return err
	}
	if err := r.listPaths(ctx, w); err != nil {
		return err
	}
	now := time.Now()
	name, err := newName(r.Config.BackupDir, now, suffixFor(recipients))
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "make %s\n", filepath.Join(r.Config.BackupDir, name))
	for _, name := range r.Config.BackupStop {
		fmt.Fprintf(w, "start %s\n", name)
	}
	if err := listScripts(w, r.Config.BackupPostDir, "then run"); err != nil {
		return err
	}
	return r.listExpired(w, retention.Item{Name: name, Time: now})
}

func listScripts(w io.Writer, dir, verb string) error {
	files, err := scriptdir.Find(dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		if f.Empty {
			continue
		}
		note := ""
		if err := f.Check(); err != nil && !f.Builtin {
			note = "  # fails: " + err.Error()
		}
		fmt.Fprintf(w, "%s %s%s\n", verb, f.Path, note)
	}
	return nil
}

// listPaths counts what IMAGE_BACKUP_PATHS holds.
func (r Runner) listPaths(ctx context.Context, w io.Writer) error {
	if len(r.Config.BackupPaths) == 0 {
		fmt.Fprintln(w, "pack what the scripts stage, and nothing else: IMAGE_BACKUP_PATHS is empty")
		return nil
	}
	mounts := fsutil.MountPoints()
	for _, p := range r.Config.BackupPaths {
		opened, err := r.openPath(p, mounts)
		if err != nil {
			fmt.Fprintf(w, "pack %s  # fails: %v\n", p, err)
			continue
		}
		found, err := archive.Count(ctx, opened.parent, opened.name, opened.skip)
		opened.parent.Close()
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "pack %s: %d files, %s", p, found.Files, Size(found.Bytes))
		if found.Unreadable > 0 {
			fmt.Fprintf(w, "  # %d cannot be read", found.Unreadable)
		}
		fmt.Fprintln(w)
	}
	return nil
}

// listExpired says what would be deleted if all archives are whole.
func (r Runner) listExpired(w io.Writer, made retention.Item) error {
	archives, err := Archives(r.Config.BackupDir)
	if err != nil {
		return err
	}
	archives = append(archives, Archive{Name: made.Name, Time: made.Time})
	_, expire := expired(r.Config.BackupRetention, archives, func(Archive) bool { return true })
	for _, a := range expire {
		if a.Name != made.Name {
			fmt.Fprintf(w, "delete %s (%s)\n", a.Path, r.Config.BackupRetention)
		}
	}
	return nil
}
