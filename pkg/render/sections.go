package render

import (
	"fmt"
	"slices"

	"github.com/ZPascal/container-manager/pkg/ini"
)

// sectionKinds are those that supervisord and supervisorctl look at; they pass
// over any other without a word.
var sectionKinds = []string{
	"supervisord", "supervisorctl", "unix_http_server", "inet_http_server", "include",
	"program", "eventlistener", "fcgi-program", "group", "rpcinterface", "ctlplugin",
}

// checkSections warns of sections that do not do what they look like.
func (r *renderer) checkSections(files []*ini.File) {
	type place struct {
		value, where string
	}
	said := map[string]place{} // by section and key
	for _, f := range files {
		for _, s := range f.Sections {
			if !slices.Contains(sectionKinds, s.Kind()) {
				r.warn(f.Path, s.Line, "supervisord passes over [%s], a kind of section that it does not know: programs are written [program:NAME]", s.Name)
				continue
			}
			for _, o := range s.Options {
				value, line, _ := s.Get(o.Key)
				key, here := s.Name+"\x00"+o.Key, place{value, fmt.Sprintf("%s:%d", f.Path, s.Line)}
				if former, twice := said[key]; twice && former.where != here.where && former.value != value {
					r.warn(f.Path, line, "%s of [%s] stands in the section at %s too: this one counts", o.Key, s.Name, former.where)
				}
				said[key] = here
			}
		}
	}
}
