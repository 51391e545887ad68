package render

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ZPascal/container-manager/pkg/config"
)

// withoutSecrets returns a text without what may be a secret. It was rendered earlier,
// perhaps with other secrets. would and masked are what the same template becomes now,
// with secrets and without: what stands around a secret there tells where one is here.
func withoutSecrets(text, would, masked string) string {
	news, maskeds := strings.Split(would, "\n"), strings.Split(masked, "\n")
	if len(news) != len(maskeds) {
		return config.Mask + "\n" // a secret has made lines: which, nobody can tell
	}
	shown := map[string]string{}
	var around [][2]string
	for i, line := range news {
		shown[line] = maskeds[i]
		if line != maskeds[i] {
			around = append(around, commonEnds(line, maskeds[i]))
		}
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if known, ok := shown[line]; ok {
			lines[i] = known
			continue
		}
		at := slices.IndexFunc(around, func(a [2]string) bool {
			return len(line) >= len(a[0])+len(a[1]) && strings.HasPrefix(line, a[0]) && strings.HasSuffix(line, a[1])
		})
		if at >= 0 {
			lines[i] = around[at][0] + config.Mask + " (another)" + around[at][1]
		}
	}
	return strings.Join(lines, "\n")
}

// secretsIn returns the lines of all values in an environment that nobody is to see, in the
// ways in which a file may have them, the longest first.
func secretsIn(environ []string) (all []string) {
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		for _, secret := range config.Secrets(name, value) {
			for line := range strings.Lines(secret) {
				if line = strings.TrimSpace(line); line == "" {
					continue
				}
				quoted := strconv.Quote(line)
				all = append(all, line, quoted[1:len(quoted)-1], strings.ReplaceAll(line, "'", "''"))
			}
		}
	}
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(len(b)-len(a), cmp.Compare(a, b)) })
	return slices.Compact(all)
}

// maskValues masks these secrets wherever they stand. It is for a file whose template is
// gone, so that nothing tells where the secrets are.
func maskValues(text string, secrets []string) string {
	var pairs []string
	for _, secret := range secrets {
		pairs = append(pairs, secret, config.Mask)
	}
	return strings.NewReplacer(pairs...).Replace(text) // the first that fits, so the longest
}

// commonEnds returns what two lines begin with and end in, without quotes, because
// another value may have had others.
func commonEnds(a, b string) [2]string {
	n := min(len(a), len(b))
	head, tail := 0, 0
	for head < n && a[head] == b[head] {
		head++
	}
	for tail < n-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	return [2]string{strings.TrimRight(a[:head], `'"`), strings.TrimLeft(a[len(a)-tail:], `'"`)}
}

// maskKeys masks what a template itself has as the value of a key such as password. What
// names a variable is no secret.
func maskKeys(text string) string {
	keys := regexp.MustCompile(`(?mi)^([ \t#-]*["']?[\w.-]*(?:passw(?:or)?d|passphrase|secret|token|api_?key|credentials?)[\w-]*["']?[ \t]*[:=][ \t]*)([^\s$%*].*)$`)
	return keys.ReplaceAllString(text, "${1}"+config.Mask)
}
