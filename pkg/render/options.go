package render

import (
	"slices"
	"strings"

	"github.com/ZPascal/container-manager/pkg/similar"
	"github.com/ZPascal/container-manager/pkg/supervisorconf"
)

// warnOfUnknown warns of an option that supervisord does not know: it passes over it
// without a word.
func (r *renderer) warnOfUnknown(s *supervisorconf.Section, o supervisorconf.Option) {
	known := lookedUp[s.Kind()]
	if known == nil || s.Kind() == "program" && slices.Contains(othersOptions, o.Key) {
		return
	}
	meant := ""
	if nearest := similar.Nearest(o.Key, known); nearest != "" {
		meant = ": did you mean " + nearest + "?"
	}
	r.warn(o.Block.File.Path, o.Parts[0].Line, "supervisord passes over %s of [%s], an option that it does not know%s", o.Key, s.Name, meant)
}

// othersOptions are options of programs that neither supervisord reads nor the container
// manager, but that a plugin knows.
var othersOptions = []string{"dependent_startup_inherit_priority"}

// warnOfShell warns of a variable as a shell would expand it, in an option that no shell
// reads.
func (r *renderer) warnOfShell(s *supervisorconf.Section, o supervisorconf.Option) {
	value := o.Value()
	if o.Key == "command" && strings.Contains(value, " -c ") {
		return
	}
	_, after, _ := strings.Cut(value, "$")
	name := strings.TrimPrefix(after, "{")
	if end := strings.IndexFunc(name, isNoLetterOfName); end >= 0 {
		name = name[:end]
	}
	if name != "" && name[0] > '9' {
		r.warn(o.Block.File.Path, o.Parts[0].Line, "%s of [%s] gets $%s as it stands, because supervisord is no shell: write %%(ENV_%s)s", o.Key, s.Name, name, name)
	}
}

func isNoLetterOfName(c rune) bool {
	return c != '_' && (c < 'A' || c > 'Z') && (c < '0' || c > '9')
}
