package docs

import (
	"regexp"
	"strings"
)

// The words that commands of the documents begin with. What is run has containers for
// docker, container-manager and supervisorctl (see session).
var commandWords = regexp.MustCompile(`^(\$ )?(sudo |[A-Z_]+=\S+ )*(age|age-keygen|cat|chmod|container-manager|cp|curl|docker|go|kubectl|ls|make|mkdir|openssl|podman|supervisorctl|tar|chown)( |$)`)

// Shapes of blocks that need no comment, in the order in which they are tried.
var shapes = []struct {
	name  string
	first *regexp.Regexp // matches its first line that is no comment
}{
	{"script", regexp.MustCompile(`^#!`)},
	{"run", commandWords},
	{"conf.d", regexp.MustCompile(`^\[[a-z_]+(:.*)?\]$`)},
	{"dockerfile", regexp.MustCompile(`^(FROM|COPY|RUN|ENV|ADD|USER|HEALTHCHECK|ARG) `)},
	{"filebeat", regexp.MustCompile(`^- type: `)},
	{"logrotate", regexp.MustCompile(`^"?\$\{[A-Z_]+\}.*\{$`)},
	{"crontab", regexp.MustCompile(`^(JOB_NAME=\S+ )?([0-9*/,-]+ ){5}\S`)},
	{"variables", regexp.MustCompile(`^[A-Z][A-Z0-9_]*=`)},
	{"json", regexp.MustCompile(`^\{`)},
}

// shapeOf says what a block is that no comment speaks of; "" when nothing can tell.
func shapeOf(b block) string {
	for line := range strings.Lines(b.text) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "#!") {
			continue
		}
		for _, shape := range shapes {
			if shape.first.MatchString(line) {
				return shape.name
			}
		}
		return ""
	}
	return ""
}
