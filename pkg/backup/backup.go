package backup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"filippo.io/age"

	"github.com/ZPascal/container-manager/pkg/backup/archive"
	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/stopmark"
)

// archiveMode lets the group of a shared volume restore what another user of it
// has backed up.
const archiveMode = 0o640

// making is a backup that is being made.
type making struct {
	Runner
	began      time.Time
	recipients []age.Recipient // an archive without recipients is not encrypted
	stage      string
	result     Result
	head       archive.Head
	sum        string // of the file, when it is encrypted
}

// Backup makes an archive. When it returns an error, there is no new archive, and no old
// one was deleted.
func (r Runner) Backup(ctx context.Context) (Result, error) {
	run := Run{Began: time.Now().UTC().Truncate(time.Millisecond), Status: Running}
	lock, err := r.begin(ctx, "backup")
	if errors.Is(err, fsutil.ErrLocked) {
		return Result{}, err // the record is that of the other one
	}
	if err != nil {
		r.keep(run.endedWith(Result{}, nil, err))
		return Result{}, err
	}
	defer lock.Unlock()
	r.keep(run) // it may be killed
	m := &making{Runner: r, began: run.Began.Local()}
	result, err := m.run(ctx)
	r.keep(run.endedWith(result, m, err))
	return result, err
}

// run makes the archive, hands it on, and deletes old ones. The caller has the lock.
func (m *making) run(ctx context.Context) (Result, error) {
	r := m.Runner
	recipients, err := r.recipients()
	if err != nil {
		return Result{}, err
	}
	stage, err := r.newStaging()
	if err != nil {
		return Result{}, err
	}
	defer r.remove(stage)

	m.recipients, m.stage = recipients, stage
	name, err := newName(r.Config.BackupDir, m.began, suffixFor(recipients))
	if err != nil {
		return Result{}, err
	}
	m.result.Archive = filepath.Join(r.Config.BackupDir, name)
	if err := m.make(ctx); err != nil {
		return m.result, err
	}
	m.result.Problems += r.after(ctx, m.result.Archive)
	m.result.Problems += r.expire(ctx, filepath.Base(m.result.Archive), m.head.Unreadable > 0)
	return m.result, nil
}

// suffixFor is what the names of archives end with.
func suffixFor(recipients []age.Recipient) string {
	if len(recipients) > 0 {
		return nameSuffix + cryptSuffix
	}
	return nameSuffix
}

// make makes the archive, and gives it its name once it is known to be whole.
func (m *making) make(ctx context.Context) error {
	partial := m.result.Archive + partialSuffix
	defer func() { _ = os.Remove(partial) }() // unless it was renamed
	plain := partial
	if len(m.recipients) > 0 {
		plain = filepath.Join(m.stage, "plain")
	}
	if err := m.collect(ctx, plain); err != nil {
		return err
	}
	add, stop := m.progress("reading the archive back")
	_, err := archive.Verify(ctx, m.source(plain), archive.Limits{}, add)
	stop()
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("the archive that was just written cannot be read back: %w", err)
	}
	if err != nil {
		return err
	}
	if len(m.recipients) > 0 {
		if m.sum, err = seal(ctx, plain, partial, m.recipients); err != nil {
			return writeError(ctx, partial, err)
		}
	}
	if err := publish(partial, m.result.Archive); err != nil {
		return writeError(ctx, partial, err)
	}
	m.note(m.result.Archive, &m.head, m.sum)
	m.logDone()
	return nil
}

// writeError says what to do about an error of the disk.
func writeError(ctx context.Context, path string, err error) error {
	if ctx.Err() != nil {
		return err
	}
	return fmt.Errorf("cannot write the archive: %w%s", err, fsutil.Advice(path, err))
}

// collect runs the scripts and packs what they have staged and what is declared.
// Programs are stopped for as long as that takes.
func (m *making) collect(ctx context.Context, path string) error {
	content, work := filepath.Join(m.stage, "content"), filepath.Join(m.stage, "work")
	for _, dir := range []string{content, work} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return writeError(ctx, dir, err)
		}
	}
	release, err := m.hold(ctx, stopmark.Backup, m.toStop())
	if err != nil {
		return err
	}
	defer func() { m.result.Problems += release() }()
	problems, err := m.scripts(ctx, m.Config.BackupScriptsDir, staging(content, "BACKUP_TEMP_DIR", backupScripts()))
	m.result.Problems += problems
	if err != nil {
		return err
	}
	if err := m.pack(ctx, content, work, path); err != nil {
		return writeError(ctx, work, err)
	}
	return nil
}

func (m *making) pack(ctx context.Context, content, work, path string) error {
	w, err := archive.NewWriter(work)
	if err != nil {
		return err
	}
	defer w.Abort()
	w.Warn = func(path string, _ bool, why error) {
		m.result.Problems++
		m.Log.Warn().Msgf("%q: %v", path, why)
	}
	add, stop := m.progress("packing")
	defer stop()
	w.Progress = add
	if err := addStaged(ctx, w, content); err != nil {
		return err
	}
	paths, err := m.addPaths(ctx, w)
	if err != nil {
		return err
	}
	m.head, err = w.Finish(path, archive.Head{
		Image: m.Config.ImageName, ImageVersion: m.Config.ImageVersion,
		App: m.Config.AppName, AppVersion: m.Config.AppVersion,
		Paths: paths,
	})
	if err != nil {
		return err
	}
	return os.Chmod(path, archiveMode)
}

// addStaged packs what the scripts have put into the staging directory.
func addStaged(ctx context.Context, w *archive.Writer, content string) error {
	info, err := os.Lstat(content)
	if err != nil || !info.IsDir() {
		return errors.New("a script has removed or replaced the directory that it was given")
	}
	root, err := os.OpenRoot(content)
	if err != nil {
		return err
	}
	defer root.Close()
	if _, err := root.Lstat(archive.PathsDir); err == nil {
		return fmt.Errorf("a script has staged %s, a name that archives have a use of their own for", archive.PathsDir)
	}
	return w.AddContent(ctx, root)
}

// publish gives an archive that is complete and synced its name.
func publish(partial, path string) error {
	if err := os.Rename(partial, path); err != nil {
		return err
	}
	return fsutil.SyncDir(filepath.Dir(path))
}

func (m *making) logDone() {
	packed := int64(0)
	if info, err := os.Stat(m.result.Archive); err == nil {
		packed = info.Size()
	}
	what := "what scripts staged; IMAGE_BACKUP_PATHS is empty"
	if len(m.Config.BackupPaths) > 0 {
		what = "what scripts staged, and " + strings.Join(m.Config.BackupPaths, ", ")
	}
	m.Log.Info().Msgf("made %s: %d files, %s in %s, read back, in %s (%s)",
		m.result.Archive, m.head.Files, Size(m.head.Bytes), Size(packed), took(m.began), what)
	if m.head.Entries == 0 {
		m.Log.Warn().Msgf("the archive is empty: no script of %s has staged anything, and IMAGE_BACKUP_PATHS names nothing that is there", m.Config.BackupScriptsDir)
	}
}
