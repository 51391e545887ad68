package config

import (
	"regexp"
	"slices"
	"strings"
)

// Mask stands for what is not shown.
const Mask = "*****"

// secretWords are in the names of variables that mostly hold secrets.
var secretWords = []string{"PASSWORD", "PASSWORDS", "PASSWD", "PASSPHRASE", "PASS", "PWD", "SECRET", "SECRETS", "TOKEN", "TOKENS", "KEY", "KEYS", "CREDENTIAL", "CREDENTIALS", "PRIVATE", "AUTH", "COOKIE", "SALT", "DSN"}

// Masked returns what may be shown of a variable's value, and whether that is less than
// all of it: nothing of a secret, and of an address not the password in it. A secret is
// what is declared one, what came from a file, and what has the name of one. The path of
// a file is none.
func Masked(name, value string) (shown string, masked bool) {
	if value == "" {
		return "", false
	}
	if isSecret(name) {
		return Mask, true
	}
	shown = passwords().ReplaceAllString(value, "${1}"+Mask+"@")
	return shown, shown != value
}

// Secrets returns what Masked hides of a variable's value.
func Secrets(name, value string) (all []string) {
	if isSecret(name) {
		return []string{value}
	}
	for _, found := range passwords().FindAllStringSubmatch(value, -1) {
		all = append(all, found[2])
	}
	return all
}

// passwords finds the passwords in addresses. A password may hold a slash, but digits
// before one are a port. The expression is compiled here, because only those who look
// need it.
func passwords() *regexp.Regexp {
	return regexp.MustCompile(`(://[^/?#\s@]*?:)([^/?#\s]*|(?:[^\s@/?#]*[^\d\s@/?#][^\s@/?#]*)?[/?#]\S*)@`)
}

func isSecret(name string) bool {
	if fromFile(name) {
		return true
	}
	all := variables()
	if i := slices.IndexFunc(all, func(v Variable) bool { return v.Name == name }); i >= 0 {
		return all[i].secret()
	}
	if strings.HasSuffix(name, "_FILE") || strings.HasSuffix(name, "_PATH") || strings.HasSuffix(name, "_DIR") || strings.HasPrefix(name, "FILE__") {
		return false
	}
	upper := strings.ToUpper(name)
	if strings.HasSuffix(upper, "PASSWORD") || strings.HasSuffix(upper, "SECRET") || strings.HasSuffix(upper, "TOKEN") || strings.HasSuffix(upper, "APIKEY") {
		return true // also without a _ in front: PGPASSWORD
	}
	return slices.ContainsFunc(strings.Split(upper, "_"), func(word string) bool { return slices.Contains(secretWords, word) })
}
