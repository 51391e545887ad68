package repo

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

// platforms are those that the Makefile names for make dist.
func platforms(t *testing.T) []string {
	t.Helper()
	m := regexp.MustCompile(`(?m)^PLATFORMS \?= (.+)$`).FindStringSubmatch(testenv.Read(t, "../../Makefile"))
	if m == nil {
		t.Fatal("the Makefile names no PLATFORMS")
	}
	return strings.Fields(m[1])
}

// newest is the newest version of the changelog.
func newest(t *testing.T) string {
	t.Helper()
	m := regexp.MustCompile(`(?m)^## \[(\d[^]]*)\] - \d{4}-\d\d-\d\d$`).FindStringSubmatch(testenv.Read(t, "../../CHANGELOG.md"))
	if m == nil {
		t.Fatal("CHANGELOG.md has no line such as: ## [1.0.0] - 2006-01-02")
	}
	return m[1]
}

// checkout is a repository with a changelog and one commit, whose start is returned.
func checkout(t *testing.T, changelog string) (dir, commit string) {
	t.Helper()
	dir = t.TempDir()
	for _, name := range []string{"test/version.sh", "test/changelog.sh"} {
		testenv.Write(t, filepath.Join(dir, name), testenv.Read(t, filepath.Join("../..", name)), 0o755)
	}
	testenv.Write(t, filepath.Join(dir, "CHANGELOG.md"), changelog, 0o644)
	git(t, dir, "init", "--quiet")
	git(t, dir, "add", ".")
	git(t, dir, "commit", "--quiet", "--message=x")
	return dir, git(t, dir, "rev-parse", "--short", "HEAD")
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	return strings.TrimSpace(mustRun(t, "git", append([]string{"-C", dir, "-c", "user.name=x", "-c", "user.email=x@example.org"}, args...)...))
}

const someChangelog = `# Changelog

## [Unreleased]

- Not yet.

## [1.1.0] - 2026-02-01

One paragraph
on two lines, see [a page](doc/a.md#b) and [another](https://example.org/x/y).

### Added

- One thing,
  on two lines.
- Another.

## [1.0.0] - 2026-01-01

- Old.
`

func TestVersionOfCheckout(t *testing.T) {
	dir, commit := checkout(t, someChangelog)
	version := func() string { return strings.TrimSpace(mustRun(t, filepath.Join(dir, "test/version.sh"))) }
	want := func(when, want string) {
		t.Helper()
		if got := version(); got != want {
			t.Errorf("%s the version is %q, want %q", when, got, want)
		}
	}
	want("without a tag", "1.1.0-dev+"+commit)
	git(t, dir, "tag", "other")
	want("with another tag", "1.1.0-dev+"+commit)
	git(t, dir, "tag", "v1.1.0")
	want("with its tag", "1.1.0")
	testenv.Write(t, filepath.Join(dir, "CHANGELOG.md"), someChangelog+"- More.\n", 0o644)
	want("with a change", "1.1.0-dev+"+commit+".dirty")
	if err := os.RemoveAll(filepath.Join(dir, ".git")); err != nil {
		t.Fatal(err)
	}
	want("without git", "1.1.0-dev")
}

func TestNotesOfRelease(t *testing.T) {
	dir, _ := checkout(t, someChangelog)
	changelog := filepath.Join(dir, "test/changelog.sh")
	const want = `One paragraph on two lines, see [a page](https://github.com/ZPascal/container-manager/blob/v1.1.0/doc/a.md#b) and [another](https://example.org/x/y).

### Added

- One thing, on two lines.
- Another.
`
	if got := mustRun(t, changelog, "1.1.0"); got != want {
		t.Errorf("the notes are\n%s\nwant\n%s", got, want)
	}
	out, err := exec.CommandContext(t.Context(), changelog, "1.2.0").CombinedOutput()
	if want := "changelog: CHANGELOG.md has no section for 1.2.0"; err == nil || !strings.Contains(string(out), want) {
		t.Errorf("the notes of a version without a section: %v, %q, want %q", err, out, want)
	}
}

// TestVersionIsOfChangelog wants of the binary that make builds the newest version of
// the changelog, which has a place for what is to come on top.
func TestVersionIsOfChangelog(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "bin", "container-manager")
	mustRun(t, "make", "-C", "../..", "build", "BUILD="+filepath.Dir(filepath.Dir(binary)))
	said := mustRun(t, binary, "version")
	if want := regexp.MustCompile(`^container-manager ` + regexp.QuoteMeta(newest(t)) + `(-dev(\+[0-9a-f]+(\.dirty)?)?)?, commit `); !want.MatchString(said) {
		t.Errorf("version says %q, want %s", said, want)
	}
	if sections := regexp.MustCompile(`(?m)^## .*`).FindAllString(testenv.Read(t, "../../CHANGELOG.md"), 2); len(sections) != 2 || sections[0] != "## [Unreleased]" || !strings.Contains(sections[1], "["+newest(t)+"]") {
		t.Errorf("CHANGELOG.md begins with %q, want ## [Unreleased] and the newest version", sections)
	}
}
