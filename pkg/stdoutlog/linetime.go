package stdoutlog

import (
	"bytes"
	"strings"
	"time"
)

// hasTimes reports whether a log writes the time on its lines.
func hasTimes(head []byte, zone *time.Location) bool {
	for line := range bytes.Lines(head) {
		if _, ok := lineTime(line, zone); ok {
			return true
		}
	}
	return false
}

// lineTime reads the time of a line: at its beginning, as most programs write it, in
// brackets, as web servers do, or in the field of a JSON object.
func lineTime(line []byte, zone *time.Location) (time.Time, bool) {
	const far = 256 // where a time may stand at most
	text := string(line[:min(len(line), far)])
	if strings.HasPrefix(text, "{") {
		for _, field := range []string{`"time":"`, `"timestamp":"`, `"@timestamp":"`, `"ts":"`, `"time": "`, `"timestamp": "`, `"@timestamp": "`, `"ts": "`} {
			if _, value, found := strings.Cut(text, field); found {
				return dateTime(value, zone)
			}
		}
		return time.Time{}, false
	}
	if at, ok := dateTime(strings.TrimLeft(text, "["), zone); ok {
		return at, true
	}
	const webServers = "02/Jan/2006:15:04:05 -0700"
	_, value, found := strings.Cut(text, "[")
	if !found || len(value) < len(webServers) {
		return time.Time{}, false
	}
	at, err := time.Parse(webServers, value[:len(webServers)])
	return at, err == nil
}

// dateTime reads 2006-01-02 15:04:05, also with a T or slashes, with a fraction, and with
// a time zone behind it.
func dateTime(text string, zone *time.Location) (time.Time, bool) {
	const seconds = "2006-01-02 15:04:05"
	if len(text) < len(seconds) || text[0] < '0' || text[0] > '9' {
		return time.Time{}, false
	}
	head, rest := []byte(text[:len(seconds)]), text[len(seconds):]
	if head[10] == 'T' {
		head[10] = ' '
	}
	for _, i := range []int{4, 7} {
		if head[i] == '/' {
			head[i] = '-'
		}
	}
	if rest != "" && (rest[0] == '.' || rest[0] == ',') {
		rest = strings.TrimLeft(rest[1:], "0123456789")
	}
	rest = strings.TrimPrefix(rest, " ")
	for _, layout := range []string{"Z07:00", "-0700"} {
		n := len(layout)
		if strings.HasPrefix(rest, "Z") {
			n = 1
		}
		if len(rest) < n || layout == "Z07:00" && n > 1 && rest[0] != '+' && rest[0] != '-' {
			continue
		}
		if at, err := time.Parse(seconds+layout, string(head)+strings.TrimSpace(rest[:n])); err == nil {
			return at, true
		}
	}
	at, err := time.ParseInLocation(seconds, string(head), zone)
	return at, err == nil
}
