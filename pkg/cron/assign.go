package cron

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/schedule"
)

// cutAssignment cuts a NAME=value line as vixie cron does: blanks may stand
// around the sign, and the name may be in quotes. The value keeps its quotes.
func cutAssignment(line string) (name, value string, ok bool) {
	first := line[0]
	switch {
	case isQuote(first):
		if name, value, ok = strings.Cut(line[1:], line[:1]); !ok {
			return "", "", false
		}
	case isLetter(first):
		end := strings.IndexFunc(line, func(r rune) bool { return r == '=' || unicode.IsSpace(r) })
		if end < 0 {
			return "", "", false
		}
		name, value = line[:end], line[end:]
	default:
		return "", "", false
	}
	value, ok = strings.CutPrefix(strings.TrimLeftFunc(value, unicode.IsSpace), "=")
	value = strings.TrimSpace(value)
	if strings.HasPrefix(line, nameWord) && namesEntry(line) {
		return "", "", false
	}
	// A time zone with more behind it is the first word of an entry.
	if (name == "TZ" || name == "CRON_TZ") && strings.HasPrefix(line, name+"=") && !startsQuoted(value) && strings.IndexFunc(value, unicode.IsSpace) >= 0 {
		return "", "", false
	}
	return name, value, ok
}

func isQuote(c byte) bool { return c == '"' || c == '\'' }

func startsQuoted(value string) bool { return value != "" && isQuote(value[0]) }

func (p *parser) assign(name, value string) error {
	if !isName(name) {
		return fmt.Errorf("%q is no name of a variable: expected letters, digits and _", name)
	}
	if startsQuoted(value) {
		inner, behind, ok := strings.Cut(value[1:], value[:1])
		if !ok {
			return fmt.Errorf("the value of %s has no closing %s", name, value[:1])
		}
		if behind != "" {
			return fmt.Errorf("the value of %s goes on behind its closing %s", name, value[:1])
		}
		value = inner
	}
	if name == "TZ" || name == "CRON_TZ" {
		zone, err := p.zone(name, value)
		if err != nil {
			return err
		}
		if name == "TZ" {
			p.tz = zone
		} else {
			p.cronTZ = zone
		}
	}
	if name == pingVariable && value != "" {
		if _, err := config.ParseURL(value); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	p.env = append(p.env, name+"="+value)
	return nil
}

func isName(name string) bool {
	for i, c := range []byte(name) {
		if !isLetter(c) && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

func isLetter(c byte) bool { return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

func (p *parser) zone(variable, name string) (*time.Location, error) {
	if zone, ok := p.zones[name]; ok {
		return zone, nil
	}
	zone, err := schedule.LoadZone(name)
	if err != nil {
		return nil, fmt.Errorf("%s=%w", variable, err)
	}
	p.zones[name] = zone
	return zone, nil
}
