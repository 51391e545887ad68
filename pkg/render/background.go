package render

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/supervisorconf"
)

// behaviour says what sends a well-known program into the background, where supervisord
// loses sight of it.
type behaviour struct {
	words   []string // with one of these it goes there
	unless  []string // without any of these it does
	instead string   // what keeps it in the foreground
}

// behaviourOf is a switch, and no map, because a map would be made in each process of ours.
func behaviourOf(program string) behaviour {
	switch program {
	case "redis-server":
		return behaviour{words: []string{"--daemonize yes"}, instead: "--daemonize no"}
	case "sshd":
		return behaviour{unless: []string{"-D", "-d", "-t", "-T", "-De", "-eD"}, instead: "sshd -D -e"}
	case "mongod":
		return behaviour{words: []string{"--fork"}, instead: "without --fork"}
	case "memcached":
		return behaviour{words: []string{"-d", "--daemon"}, instead: "without -d"}
	case "haproxy":
		return behaviour{words: []string{"-D"}, instead: "haproxy -db"}
	case "gunicorn":
		return behaviour{words: []string{"-D", "--daemon"}, instead: "without --daemon"}
	case "uwsgi":
		return behaviour{words: []string{"-d", "--daemonize"}, instead: "without --daemonize"}
	case "httpd", "apache2", "apachectl", "apache2ctl":
		// -f keeps busybox's httpd in the foreground, and names a file to Apache's.
		return behaviour{unless: []string{"-DFOREGROUND", "-D FOREGROUND", "-DNO_DETACH", "-D NO_DETACH", "-X", "-t", "-f", "-fv", "-fvv"}, instead: program + " -DFOREGROUND"}
	case "rsyslogd":
		return behaviour{unless: []string{"-n"}, instead: "rsyslogd -n"}
	case "dnsmasq":
		return behaviour{unless: []string{"-k", "--keep-in-foreground", "-d", "--no-daemon", "--test"}, instead: "dnsmasq -k"}
	case "crond", "cron":
		return behaviour{unless: []string{"-f", "-n", "-d"}, instead: program + " -f, or a line in the crontab of the image"}
	case "pg_ctl":
		return behaviour{words: []string{"start", "restart"}, instead: "postgres -D DIRECTORY"}
	case "service", "systemctl", "rc-service":
		return behaviour{words: []string{"start", "restart"}, instead: "the program itself"}
	}
	return behaviour{}
}

// warnOfBackground warns of a command that ends while its program goes on in the
// background: supervisord takes it for dead and starts another one.
func (r *renderer) warnOfBackground(s *supervisorconf.Section, o supervisorconf.Option) {
	if o.Key != "command" || !s.IsProgram() {
		return
	}
	command := strings.Join(strings.Fields(o.Value()), " ")
	program, _, _ := strings.Cut(command, " ")
	name := filepath.Base(strings.Trim(program, `"'`))
	instead := ""
	has := func(word string) bool { return strings.Contains(command+" ", " "+word+" ") }
	if b := behaviourOf(name); slices.ContainsFunc(b.words, has) || b.unless != nil && !slices.ContainsFunc(b.unless, has) {
		instead = b.instead
	}
	if name == "nginx" && r.isBackgroundNginx(command) {
		instead = "nginx -g 'daemon off;'"
	}
	if shell := strings.TrimRight(command, `"' `); strings.Contains(command, "sh -c ") && strings.HasSuffix(shell, "&") && !strings.HasSuffix(shell, "&&") {
		instead = "exec and no & at the end"
	}
	if instead != "" {
		r.warn(o.Block.File.Path, o.Parts[0].Line, "command of [%s]: %s goes into the background, where supervisord takes it for dead: run it in the foreground (%s)", s.Name, name, instead)
	}
}

// isBackgroundNginx reports whether nginx is told nowhere to stay: neither by its command
// line nor by its configuration. That of an unknown place says nothing.
func (r *renderer) isBackgroundNginx(command string) bool {
	if saysDaemonOff(command) || strings.Contains(command, " -t") {
		return false
	}
	path := "/etc/nginx/nginx.conf"
	words := strings.Fields(command)
	if at := slices.Index(words, "-c"); at >= 0 && at+1 < len(words) {
		path = strings.ReplaceAll(strings.Trim(words[at+1], `"'`), "%(ENV_IMAGE_TEMPLATES_TARGET)s", r.TemplatesDir)
	}
	data, err := fsutil.ReadFile(path)
	return err == nil && !saysDaemonOff(string(data))
}

// saysDaemonOff reports whether a text holds nginx's directive, with any blanks.
func saysDaemonOff(text string) bool {
	for {
		_, behind, found := strings.Cut(text, "daemon")
		if !found {
			return false
		}
		if value := strings.TrimLeft(behind, " \t\r\n"); value != behind && strings.HasPrefix(value, "off") {
			return true
		}
		text = behind
	}
}
