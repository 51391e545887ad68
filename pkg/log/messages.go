package log

import (
	"strings"
)

// Messages logs a line of a script's output. `;` ends a message as well: scripts of the
// Python version separate theirs with it. It removes colours, because their sequences
// contain a `;` too.
func Messages(l Logger, line string) {
	for message := range strings.SplitSeq(withoutColours(line), ";") {
		level, message := levelOf(strings.TrimSpace(message))
		switch {
		case message == "":
		case level == "ERROR":
			l.Error().Msg(message)
		case level == "WARN":
			l.Warn().Msg(message)
		default:
			l.Info().Msg(message)
		}
	}
}

// withoutColours removes the ANSI sequences that set colours: ESC [ ... m.
func withoutColours(s string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, "\x1b[")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		end := strings.IndexFunc(rest, func(c rune) bool { return c != ';' && (c < '0' || c > '9') })
		if end < 0 || rest[end] != 'm' {
			b.WriteString("\x1b[")
			s = rest
			continue
		}
		s = rest[end+1:]
	}
}

// levelOf takes the time and the level off a message that utils.write_log wrote, because
// the line in our log has its own.
func levelOf(message string) (level, text string) {
	fields := strings.SplitN(message, "\t", 3)
	if len(fields) != 3 || len(fields[0]) != len("2006-01-02 15:04:05") || fields[0][4] != '-' || fields[0][13] != ':' {
		return "", message
	}
	return fields[1], fields[2]
}
