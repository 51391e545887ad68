package config

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // TZ works in images that have no zone files
	"unicode"

	"github.com/ZPascal/container-manager/pkg/schedule"
)

// Bool is 1/0, true/false, yes/no or on/off in any case.
type Bool bool

// Decode implements envconfig.Decoder.
func (b *Bool) Decode(value string) error {
	switch strings.ToLower(value) {
	case "1", "true", "yes", "on":
		*b = true
	case "0", "false", "no", "off":
		*b = false
	default:
		return errors.New("expected 1/0, true/false, yes/no or on/off")
	}
	return nil
}

// Count is a whole number from 0 up, always decimal: 010 is 10.
type Count int

// Decode implements envconfig.Decoder.
func (c *Count) Decode(value string) error {
	n, err := strconv.ParseUint(value, 10, 31)
	if err != nil {
		return errors.New("expected a whole number from 0 up")
	}
	*c = Count(n)
	return nil
}

// Duration is a length of time from 0 up: 90s, 5m, 1h30m, or 90 for seconds.
type Duration time.Duration

// Decode implements envconfig.Decoder.
func (d *Duration) Decode(value string) error {
	parsed, err := time.ParseDuration(value)
	if n, numberErr := strconv.ParseUint(value, 10, 31); numberErr == nil {
		parsed, err = time.Duration(n)*time.Second, nil
	}
	if err != nil || parsed < 0 {
		return errors.New("expected a duration such as 90s, 5m or 1h30m, or a number of seconds")
	}
	*d = Duration(parsed)
	return nil
}

// Set, Type and String implement pflag.Value.
func (d *Duration) Set(value string) error { return d.Decode(value) }

// Type is what help calls the value.
func (d *Duration) Type() string { return "duration" }

func (d *Duration) String() string { return time.Duration(*d).String() }

// Rate is a number of times within a time, as in 5/10m. The zero value is never reached.
type Rate struct {
	Count  int // at most MaxRate
	Within time.Duration
}

// MaxRate bounds how many times have to be kept to tell whether a rate is reached.
const MaxRate = 100

// Decode implements envconfig.Decoder.
func (r *Rate) Decode(value string) error {
	if *r = (Rate{}); value == "0" {
		return nil
	}
	count, within, _ := strings.Cut(value, "/")
	n, err := strconv.ParseUint(count, 10, 31)
	var d Duration
	if err != nil || n < 1 || n > MaxRate || d.Decode(within) != nil || d == 0 {
		return fmt.Errorf("expected a number of times, at most %d, and a duration, such as 5/10m, or 0", MaxRate)
	}
	*r = Rate{int(n), time.Duration(d)}
	return nil
}

func (r Rate) String() string { return fmt.Sprintf("%d times in %s", r.Count, r.Within) }

// Reached reports whether as many of the times as the rate says lie within its time
// before now.
func (r Rate) Reached(now time.Time, times []time.Time) bool {
	return r.Count > 0 && CountWithin(now, r.Within, times) >= r.Count
}

// CountWithin returns how many of the times lie within a time before now. A time after
// now comes from before the clock was set back, and does not count.
func CountWithin(now time.Time, within time.Duration, times []time.Time) (n int) {
	for _, t := range times {
		if gone := now.Sub(t); gone >= 0 && gone <= within {
			n++
		}
	}
	return n
}

// checks are the kinds of strings.
var checks = map[string]func(string) error{
	"path":   checkPath,
	"socket": checkSocket,
	"zone": func(v string) error {
		if _, err := schedule.LoadZone(v); err != nil {
			return errors.New("expected a time zone such as Europe/Berlin or UTC")
		}
		return nil
	},
	"schedule": func(v string) error {
		_, err := schedule.Parse(v)
		return err
	},
	"from1": func(v string) error {
		if n, err := strconv.ParseUint(v, 10, 31); err == nil && n == 0 {
			return errors.New("expected a whole number from 1 up")
		}
		return nil
	},
	"url":        checkURL,
	"host":       checkHost,
	"port":       checkPort,
	"listen":     checkListen,
	"database":   checkDatabase,
	"key":        checkKey,
	"backed-up":  checkBackedUp,
	"recipients": checkRecipients,
	"format":     oneOf("console", "json"),
	"level":      inAnyCase(oneOf("debug", "info", "warn", "error")),
}

func checkURL(v string) error {
	_, err := ParseURL(v)
	return err
}

// ParseURL parses the address of something that is called over HTTP. The error never shows
// the address: it may hold a token.
func ParseURL(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return nil, errors.New("expected a URL such as https://example.org/path")
	}
	return u, nil
}

// maxSocket is the longest path that works. The kernel takes 107 bytes, and supervisord
// adds a dot and its process id while it sets its socket up.
const maxSocket = 107 - len(".4194304")

// notInPaths are the characters that mean something else in the files that name paths: a
// pattern, a quote, the end of a value.
const notInPaths = `[]*?;"\`

func checkSocket(v string) error {
	if len(v) > maxSocket {
		return fmt.Errorf("is %d bytes long, more than the %d that a socket's path may have", len(v), maxSocket)
	}
	return checkPath(v)
}

func checkPath(v string) error {
	if !filepath.IsAbs(v) {
		return errors.New("expected an absolute path")
	}
	for _, c := range v {
		if unicode.IsControl(c) || strings.ContainsRune(notInPaths, c) {
			return fmt.Errorf("expected a path without the character %q, which supervisord, logrotate or filebeat would take for something else", c)
		}
	}
	return nil
}

func inAnyCase(check func(string) error) func(string) error {
	return func(v string) error { return check(strings.ToLower(v)) }
}

func oneOf(values ...string) func(string) error {
	return func(v string) error {
		for _, value := range values {
			if v == value {
				return nil
			}
		}
		return fmt.Errorf("expected one of %s", strings.Join(values, ", "))
	}
}
