package render

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/fsutil"

	"go.yaml.in/yaml/v3"
)

// filebeat renders the global file and every input of filebeat.d. filebeat
// parses what it expands, so that a version 2 became a number and a password
// with a comma a list: a scalar that is one `${NAME}` becomes a string literal
// here, and whatever else filebeat expands is left to it. The results are
// private, as they hold values and as filebeat insists on it. While filebeat does
// not run there is nothing to render, and what a former life rendered goes: it
// held that life's password.
func (r *renderer) filebeat() error {
	template := filepath.Join(r.LoggingDir, "filebeat-global.yml")
	dir := filepath.Join(filepath.Dir(filebeatConf(r.Config)), "filebeat.d")
	r.owns(dir, filebeatConf(r.Config))
	if r.RedisHost == "" {
		return nil
	}
	inputs, err := templates(filepath.Join(r.LoggingDir, "filebeat.d"), "*.yml")
	if err != nil {
		return err
	}
	rendered := map[string]string{template: filebeatConf(r.Config)}
	for _, path := range inputs {
		rendered[path] = filepath.Join(dir, filepath.Base(path))
	}
	toRendered := strings.NewReplacer("${IMAGE_LOGGING_DIR}/filebeat.d/", dir+"/", filepath.Join(r.LoggingDir, "filebeat.d")+"/", dir+"/")
	for path, to := range rendered {
		data, err := fsutil.ReadFile(path)
		if err != nil {
			return fmt.Errorf("cannot read filebeat's configuration: %w", err)
		}
		r.add(to, r.literals(path, toRendered.Replace(string(data))), private)
	}
	return nil
}

// literals replaces the scalars of a YAML text that are one reference, and
// reports names that are not set.
func (r *renderer) literals(path, text string) string {
	lines := strings.SplitAfter(text, "\n")
	for documents := yaml.NewDecoder(bytes.NewReader([]byte(text))); ; {
		var doc yaml.Node
		err := documents.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return strings.Join(lines, "")
		}
		if err != nil {
			r.problem(path, noLine, "%v", err) // it names the line itself
			return text
		}
		scalars := collect(&doc, nil)
		for i := len(scalars) - 1; i >= 0; i-- { // from the back: columns to the left stay true
			r.literal(path, lines, scalars[i])
		}
	}
}

// collect returns the scalars below a node in the order of the text, without
// the keys.
func collect(n *yaml.Node, scalars []*yaml.Node) []*yaml.Node {
	if n.Kind == yaml.ScalarNode {
		return append(scalars, n)
	}
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			continue
		}
		scalars = collect(child, scalars)
	}
	return scalars
}

func (r *renderer) literal(path string, lines []string, n *yaml.Node) {
	name, fallback, hasFallback, whole := reference(n.Value)
	if !whole {
		replaceNames(n.Value, func(name, whole string) string {
			r.checkFilebeatName(path, n.Line, name)
			return whole
		})
		return
	}
	value, set := r.env[name]
	switch {
	case !set && !hasFallback:
		r.checkFilebeatName(path, n.Line, name)
		return
	case !set:
		value = fallback
	}
	raw := n.Value
	switch n.Style &^ yaml.TaggedStyle {
	case yaml.DoubleQuotedStyle:
		raw = `"` + raw + `"`
	case yaml.SingleQuotedStyle:
		raw = "'" + raw + "'"
	}
	line := lines[n.Line-1]
	at := skipProperties(line, byteOffset(line, n.Column-1))
	if !strings.HasPrefix(line[at:], raw) {
		r.problem(path, n.Line, "%s cannot be made a literal here: write it behind its key as it is, or in quotes", n.Value)
		return
	}
	lines[n.Line-1] = line[:at] + yamlString(value) + line[at+len(raw):]
}

// skipProperties returns where a scalar begins behind its tags and anchors.
func skipProperties(line string, at int) int {
	for strings.HasPrefix(line[at:], "!") || strings.HasPrefix(line[at:], "&") {
		end := strings.IndexAny(line[at:], " \t")
		if end < 0 {
			return at
		}
		at = len(line) - len(strings.TrimLeft(line[at+end:], " \t"))
	}
	return at
}

func (r *renderer) checkFilebeatName(path string, line int, name string) {
	if _, set := r.env[name]; !set {
		r.problem(path, line, "the environment variable %s is not set: set it, or give it a default (${%s:})", name, name)
	}
}

// reference takes `${NAME}` and `${NAME:default}` apart. filebeat's other forms,
// `${NAME:?message}` and names of its own settings such as `${path.home}`, are
// none of ours.
func reference(value string) (name, fallback string, hasFallback, ok bool) {
	inner, found := strings.CutPrefix(value, "${")
	inner, closed := strings.CutSuffix(inner, "}")
	if !found || !closed || strings.ContainsAny(inner, "{}") {
		return "", "", false, false
	}
	name, fallback, hasFallback = strings.Cut(inner, ":")
	return name, fallback, hasFallback, config.IsName(name) && !strings.HasPrefix(fallback, "?")
}

// yamlString writes a value as a string that neither YAML nor filebeat's own
// expansion changes.
func yamlString(value string) string {
	value = strings.ReplaceAll(strings.ToValidUTF8(value, "\uFFFD"), "$", "$$")
	if !strings.ContainsFunc(value, func(c rune) bool { return !unicode.IsPrint(c) }) {
		return "'" + strings.ReplaceAll(value, "'", "''") + "'"
	}
	return strconv.QuoteToASCII(value) // its escapes are YAML's too
}

// byteOffset converts a column in characters to one in bytes.
func byteOffset(line string, column int) int {
	for i := range line {
		if column == 0 {
			return i
		}
		column--
	}
	return len(line)
}
