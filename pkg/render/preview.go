package render

import (
	"bytes"
	"cmp"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/startorder"
)

// State is what a start would do to a file.
type State string

const (
	Same    State = "same"
	Changed State = "changed"
	New     State = "new"
	Removed State = "removed"
)

// Preview is a file that a start would write or remove. The texts are without secrets;
// a file with a NUL byte has none.
type Preview struct {
	Path  string
	State State
	// Is and Would are what is there, and what would be.
	Is, Would string
}

// Previews says what All would write, and writes nothing. When a template is invalid the
// error is an *Error. made are directories that a start will have made by then.
func Previews(c config.Config, made ...string) ([]Preview, error) {
	r, err := rendered(c, made)
	if err != nil {
		return nil, err
	}
	secrets := secretsIn(c.Environ)
	c.Environ = slices.Clone(c.Environ)
	for i, entry := range c.Environ {
		name, value, _ := strings.Cut(entry, "=")
		if shown, masked := config.Masked(name, value); masked {
			c.Environ[i] = name + "=" + shown + strings.Repeat("\n"+config.Mask, strings.Count(value, "\n"))
		}
	}
	// What is rendered without secrets tells where they are.
	masked, err := rendered(c, made)
	if err != nil {
		return nil, err
	}
	maskedContents := masked.contents()
	var all []Preview
	for path, data := range r.contents() {
		p, err := preview(path, data, maskedContents[path])
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	former, err := r.former()
	if err != nil {
		return nil, err
	}
	for _, path := range former {
		if text, err := fsutil.ReadFile(path); err == nil {
			p := Preview{Path: path, State: Removed}
			if bytes.IndexByte(text, 0) < 0 {
				p.Is = maskKeys(maskValues(string(text), secrets))
			}
			all = append(all, p)
		}
	}
	// What still waits is no configuration: it changes while the container runs.
	all = slices.DeleteFunc(all, func(p Preview) bool { return p.Path == startorder.Path(c.RunDir) })
	slices.SortFunc(all, func(a, b Preview) int { return cmp.Compare(a.Path, b.Path) })
	return all, nil
}

func rendered(c config.Config, made []string) (*renderer, error) {
	r := newRenderer(c)
	r.willHave(made)
	r.readOnly = true
	if _, err := r.all(); err != nil {
		return nil, err
	}
	if problems := slices.Concat(r.problems, r.open); len(problems) > 0 {
		return nil, &Error{texts(problems)}
	}
	return r, nil
}

// contents returns everything that is rendered, by path.
func (r *renderer) contents() map[string][]byte {
	all := map[string][]byte{}
	for path, o := range r.out {
		all[path] = o.data
	}
	for _, f := range r.appFiles {
		all[f.path] = f.data
	}
	return all
}

func preview(path string, would, masked []byte) (Preview, error) {
	p := Preview{Path: path, State: Changed, Would: string(masked)}
	is, err := fsutil.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		p.State = New
	case err != nil:
		return p, err
	case bytes.Equal(is, would):
		p.State = Same
	}
	if bytes.IndexByte(is, 0) >= 0 || bytes.IndexByte(would, 0) >= 0 {
		p.Would = ""
		return p, nil
	}
	p.Is, p.Would = maskKeys(withoutSecrets(string(is), string(would), p.Would)), maskKeys(p.Would)
	return p, nil
}
