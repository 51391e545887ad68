package render

import (
	"slices"
	"strings"

	"github.com/ZPascal/container-manager/pkg/supervisorconf"
)

// warnOfSwallowed warns of an option with more blanks in front than the one above it has:
// to supervisord it is not an option but a part of that one's value.
func (r *renderer) warnOfSwallowed(s *supervisorconf.Section, o supervisorconf.Option) {
	for i, p := range o.Parts[1:] {
		name, _, isOption := strings.Cut(p.Text, "=")
		name = strings.TrimSpace(name)
		if !isOption || !slices.Contains(lookedUp[s.Kind()], name) || o.Key == "environment" && strings.HasSuffix(o.Parts[i].Text, ",") {
			continue
		}
		r.warn(o.Block.File.Path, p.Line, "supervisord takes %q for a part of %s of [%s], because a blank or tab stands in front of it: begin the line with %s", p.Text, o.Key, s.Name, name)
	}
}
