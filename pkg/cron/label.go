package cron

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"
)

// maxName is how long the name of a job may be, in bytes. It is part of a file's name.
const maxName = 64

// nameWord stands in front of a schedule and names the job.
const nameWord = "JOB_NAME="

// cutNameComment returns the name in a comment of the form "# name: NAME".
func cutNameComment(line string) (name string, ok bool) {
	text := strings.TrimSpace(strings.TrimLeft(line, "#"))
	const key = "name:"
	if len(text) < len(key) || !strings.EqualFold(text[:len(key)], key) {
		return "", false
	}
	name = tidyName(text[len(key):])
	return name, name != ""
}

// namesEntry reports whether a line that begins with JOB_NAME= is an entry: what follows
// the name begins like a schedule. Otherwise it is a variable, as any other.
func namesEntry(line string) bool {
	_, behind := cutWords(line, 1)
	for _, zone := range []string{"TZ=", "CRON_TZ="} {
		if strings.HasPrefix(behind, zone) {
			return true
		}
	}
	return behind != "" && strings.ContainsRune("@*0123456789", rune(behind[0]))
}

// tidyName keeps a name on one line, and short.
func tidyName(name string) string {
	name = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(name, "?"), func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r)
	}), " ")
	if len(name) > maxName {
		name = strings.TrimSpace(strings.ToValidUTF8(name[:maxName], ""))
	}
	return name
}

// checkName says what is wrong with a name behind JOB_NAME=.
func checkName(name string) error {
	if tidyName(name) != name || name == "" {
		return fmt.Errorf("%s%s is no name of a job: expected one word of at most %d printable characters", nameWord, name, maxName)
	}
	return nil
}

// SetLabels gives each entry its label, by which records, status and metrics call it. It
// is the name that the crontab gives, else the one that builtin has for the command, else
// file and line. It never is the command, which may hold secrets. A label that an entry
// above has already gets a number behind it.
func (t Table) SetLabels(builtin func(command string) string) {
	taken := make(map[string]bool, len(t))
	for i := range t {
		e := &t[i]
		label := e.Title
		if label == "" && builtin != nil {
			label = builtin(e.Command)
		}
		e.Titled = label != ""
		if !e.Titled {
			label = tidyName(filepath.Base(e.File)) + ":" + strconv.Itoa(e.Line)
		}
		e.Label = label
		for n := 2; taken[e.Label]; n++ {
			e.Label = fmt.Sprintf("%s (%d)", label, n)
		}
		taken[e.Label] = true
	}
}
