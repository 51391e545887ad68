package web

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/ZPascal/container-manager/pkg/health"
)

// serveHealth answers /livez and /readyz in the form that those of Kubernetes have. The
// token is not asked for, because kubelet has none. Without it only the verdict is told.
func (s *Server) serveHealth(w http.ResponseWriter, r *http.Request, pictures *pictures) {
	kind, name := health.Liveness, "livez"
	if r.URL.Path == "/readyz" {
		kind, name = health.Readiness, "readyz"
	}
	checks, healthy := checksOf(pictures.forHealth(), kind)
	code, last := http.StatusOK, name+" check passed\n"
	if !healthy {
		code, last = http.StatusServiceUnavailable, name+" check failed\n"
	}
	_, verbose := r.URL.Query()["verbose"]
	switch {
	case (verbose || !healthy) && s.hasToken(r):
		plain(w, code, checks+last)
	case healthy:
		plain(w, code, "ok")
	default:
		plain(w, code, last)
	}
}

// checksOf lists each check on a line. Problems are told in a few words that quote
// nothing: anybody may ask.
func checksOf(p *picture, kind health.Kind) (text string, healthy bool) {
	var b strings.Builder
	healthy = true
	line := func(name, problem string) {
		if problem == "" {
			fmt.Fprintf(&b, "[+]%s ok\n", oneLine(name))
			return
		}
		healthy = false
		fmt.Fprintf(&b, "[-]%s failed: %s\n", oneLine(name), oneLine(problem))
	}
	if p.asked != nil {
		line("supervisord", "does not answer")
		return b.String(), healthy
	}
	line("supervisord", "")
	found := p.verdicts[kind]
	if found.err != nil {
		line("probes", "cannot be listed")
	}
	for _, v := range found.list {
		var brief []string
		for _, problem := range v.Problems {
			brief = append(brief, problem.Brief)
		}
		line(v.Name, strings.Join(brief, "; "))
	}
	return b.String(), healthy
}

// oneLine keeps a name on its line.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
}
