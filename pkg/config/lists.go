package config

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/ZPascal/container-manager/pkg/fsutil"
)

// Paths are absolute paths with `:` between them. A path below another one is allowed
// only when a file system is mounted there; otherwise the other path has it already.
type Paths []string

// Decode implements envconfig.Decoder.
func (p *Paths) Decode(value string) error {
	*p = nil
	for field := range strings.SplitSeq(value, ":") {
		if field == "" {
			continue
		}
		field = filepath.Clean(field)
		if !filepath.IsAbs(field) || field == "/" {
			return errors.New("expected absolute paths other than / with : between them")
		}
		*p = append(*p, field)
	}
	return p.checkOverlap()
}

func (p Paths) checkOverlap() error {
	for i, inner := range p {
		for j, outer := range p {
			if i != j && (inner == outer || Within(inner, outer) && !fsutil.MountPoints()[inner]) {
				return fmt.Errorf("path %d is in path %d already: leave it out", i+1, j+1)
			}
		}
	}
	return nil
}

// Within reports whether a path is another one or below it.
func Within(name, dir string) bool {
	return name == dir || strings.HasPrefix(name, strings.TrimSuffix(dir, "/")+"/")
}

// checkBackedUp refuses paths that hold the archives, because each archive would then
// hold all earlier ones.
func checkBackedUp(value string) error {
	for field := range strings.SplitSeq(value, ":") {
		field = filepath.Clean(field)
		if field != "/" && Within(filepath.Clean(os.Getenv("STORAGE_BACKUP_DIR")), field) {
			return errors.New("holds the archives themselves (STORAGE_BACKUP_DIR): name what lies beside them")
		}
	}
	return nil
}

// Patterns are patterns of paths, with `:` between them; see Match.
type Patterns []string

// Decode implements envconfig.Decoder.
func (p *Patterns) Decode(value string) error {
	*p = nil
	for field := range strings.SplitSeq(value, ":") {
		field = strings.TrimSuffix(field, "/")
		if field == "" {
			continue
		}
		if _, err := path.Match(field, ""); err != nil {
			return errors.New("expected patterns with : between them: here is a [ without a ], or a \\ at the end")
		}
		*p = append(*p, field)
	}
	return nil
}

// Match reports whether a pattern matches an absolute path. A pattern that begins with /
// is compared with the whole path, any other with as many of the path's last elements as
// the pattern has. A * does not reach across a /.
func (p Patterns) Match(name string) bool {
	for _, pattern := range p {
		tail := name
		if !strings.HasPrefix(pattern, "/") {
			elements := strings.Split(name, "/")
			tail = strings.Join(elements[max(0, len(elements)-strings.Count(pattern, "/")-1):], "/")
		}
		if ok, _ := path.Match(pattern, tail); ok {
			return true
		}
	}
	return false
}

// Names are names in an order, with commas or blanks between them.
type Names []string

// Decode implements envconfig.Decoder.
func (n *Names) Decode(value string) error {
	*n = nil
	for _, name := range strings.FieldsFunc(value, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) {
		if !slices.Contains(*n, name) {
			*n = append(*n, name)
		}
	}
	return nil
}

// Size is a number of bytes, with K, M, G or T behind it for powers of 1024.
type Size int64

// Decode implements envconfig.Decoder.
func (s *Size) Decode(value string) error {
	number, shift := value, 0
	for i, unit := range []string{"K", "M", "G", "T"} {
		if n, ok := strings.CutSuffix(strings.ToUpper(value), unit); ok {
			number, shift = n, 10*(i+1)
		}
	}
	n, err := strconv.ParseUint(number, 10, 63-shift)
	if err != nil {
		return errors.New("expected bytes such as 500M, 20G or 1T")
	}
	*s = Size(n << shift)
	return nil
}

// checkRecipients refuses everything that is no public key of age, above all secret
// keys, which must not be in an environment.
func checkRecipients(value string) error {
	for _, field := range strings.Fields(value) {
		if !strings.HasPrefix(field, "age1") {
			return errors.New("expected public keys of age, which begin with age1, with blanks between them")
		}
	}
	return nil
}
