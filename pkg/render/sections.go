package render

import (
	"slices"

	"github.com/ZPascal/container-manager/pkg/supervisorconf"
)

// sectionKinds are the kinds of sections that supervisord and supervisorctl read. They
// ignore any other, and do not say so.
var sectionKinds = []string{
	"supervisord", "supervisorctl", "unix_http_server", "inet_http_server", "include",
	"program", "eventlistener", "fcgi-program", "group", "rpcinterface", "ctlplugin",
}

// checkSections warns of sections that supervisord ignores, or reads in another way than
// they look.
func (r *renderer) checkSections(conf *supervisorconf.Conf) {
	for _, s := range conf.Sections {
		if !slices.Contains(sectionKinds, s.Kind()) {
			for _, b := range s.Blocks {
				r.warn(b.File.Path, b.Line, "supervisord passes over [%s], a kind of section that it does not know: programs are written [program:NAME]", b.Name)
			}
			continue
		}
		former := map[string]*supervisorconf.Option{}
		for _, b := range s.Blocks {
			for _, o := range b.Options {
				f, here := former[o.Key], b.Option(o.Key)
				if f != nil && f.Block != b && f.Value() != here.Value() {
					r.warn(b.File.Path, here.Parts[0].Line, "%s of [%s] stands in the section at %s:%d too: this one counts", o.Key, b.Name, f.Block.File.Path, f.Block.Line)
				}
				former[o.Key] = here
			}
		}
	}
}
