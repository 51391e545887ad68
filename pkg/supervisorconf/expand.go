package supervisorconf

import (
	"fmt"
	"os"
	"strings"
)

// Expand expands %(ENV_NAME)s, %(host_node_name)s and %%. Names that are not known stay.
func (c *Conf) Expand(value string) string { return c.expand(value, nil) }

// expand expands further names, whose values are texts and numbers, too.
func (c *Conf) expand(value string, names map[string]any) string {
	return Replace(value, func(name, conversion string) (string, bool) {
		if name == "%" {
			return "%", true
		}
		known, ok := names[name]
		if !ok {
			known, ok = c.name(name)
		}
		if _, isNumber := known.(int); isNumber {
			conversion = conversion[:len(conversion)-1] + "d"
		} else {
			conversion = conversion[:len(conversion)-1] + "s"
		}
		return fmt.Sprintf("%"+conversion, known), ok
	})
}

func (c *Conf) name(name string) (value any, ok bool) {
	if variable, isEnv := strings.CutPrefix(name, "ENV_"); isEnv {
		return c.Lookup(variable)
	}
	if name == "host_node_name" {
		host, err := os.Hostname()
		return host, err == nil
	}
	return nil, false
}

// Replace replaces the names in a value, such as %(process_num)02d, whose
// conversion is 02d. The name of %% is %. What replace does not know stays.
func Replace(value string, replace func(name, conversion string) (text string, ok bool)) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(value, "%")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		name, conversion, after := cutName(rest)
		text, ok := "", false
		if name != "" {
			text, ok = replace(name, conversion)
		}
		if !ok {
			text = "%" + rest[:len(rest)-len(after)]
		}
		b.WriteString(text)
		value = after
	}
}

// cutName cuts off what stands behind a percent sign: (process_num)02d. The name is
// "" when that is not all there.
func cutName(s string) (name, conversion, after string) {
	if after, escaped := strings.CutPrefix(s, "%"); escaped {
		return "%", "", after
	}
	inner, opened := strings.CutPrefix(s, "(")
	name, rest, closed := strings.Cut(inner, ")")
	letter := len(rest) - len(strings.TrimLeft(rest, "-+ 0123456789"))
	if !opened || !closed || letter == len(rest) || !strings.Contains("sdi", rest[letter:letter+1]) {
		return "", "", s
	}
	return name, rest[:letter+1], rest[letter+1:]
}

// EscapePercent writes a text so that it expands to itself.
func EscapePercent(s string) string { return strings.ReplaceAll(s, "%", "%%") }
