package render

import (
	"crypto/x509"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/fsutil"
)

// filebeat renders the global file and every input of filebeat.d. The results are
// private, as they hold values and as filebeat insists on it. While filebeat does
// not run there is nothing to render, and what a former life rendered goes: it
// held that life's password.
func (r *renderer) filebeat() error {
	dir := filepath.Join(filepath.Dir(filebeatConf(r.Config)), "filebeat.d")
	r.owns(dir, filebeatConf(r.Config))
	if !r.ShipsLogs() {
		return nil
	}
	if err := r.checkRedisCA(); err != nil {
		return err
	}
	snippets, err := templates(filepath.Join(r.LoggingDir, "filebeat.d"), "*.yml")
	if err != nil {
		return err
	}
	ids := map[string]string{}
	text, err := r.filebeatGlobal(ids, dir)
	if err != nil {
		return err
	}
	r.add(filebeatConf(r.Config), text, private)
	for _, path := range snippets {
		f, err := r.readYAML(path, dir)
		if err != nil {
			return err
		}
		r.checkInputs(f, r.listedInputs(f), ids)
		r.literals(f)
		r.add(filepath.Join(dir, filepath.Base(path)), f.String(), private)
	}
	return nil
}

// filebeatGlobal renders the global file, with the settings of the output file
// in place of those that both have, and in place of its output.
func (r *renderer) filebeatGlobal(ids map[string]string, inputsDir string) (string, error) {
	global, err := r.readYAML(filepath.Join(r.LoggingDir, "filebeat-global.yml"), inputsDir)
	if err != nil {
		return "", err
	}
	files := []*yamlFile{global}
	if r.HasFilebeatOutput() {
		output, err := r.readYAML(r.FilebeatOutput(), inputsDir)
		if err != nil {
			return "", err
		}
		r.override(global, output)
		files = append(files, output)
	}
	text := ""
	for _, f := range files {
		r.checkInputs(f, globalInputs(f), ids)
		r.literals(f)
		if text != "" && !strings.HasSuffix(text, "\n") {
			text += "\n"
		}
		text += f.String()
	}
	return text, nil
}

// readYAML reads a template of filebeat's; where it names the directory of the
// inputs, it names that of the rendered ones.
func (r *renderer) readYAML(path, inputsDir string) (*yamlFile, error) {
	data, err := fsutil.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read filebeat's configuration: %w", err)
	}
	toRendered := strings.NewReplacer(
		"${IMAGE_LOGGING_DIR}/filebeat.d/", inputsDir+"/",
		filepath.Join(r.LoggingDir, "filebeat.d")+"/", inputsDir+"/",
	)
	f, err := parseYAML(path, toRendered.Replace(string(data)))
	if err != nil {
		r.problem(path, f.badLine(), "no YAML from here on: %s", yamlReason(err))
	}
	return f, nil
}

// override takes out of the global file what the output file says itself.
func (r *renderer) override(global, output *yamlFile) {
	own, hasOutput := map[string]bool{}, false
	for _, o := range output.settings() {
		own[o.key.Value] = true
		hasOutput = hasOutput || isOutput(o.key.Value)
	}
	if output.docs != nil && !hasOutput {
		r.problem(output.path, noLine, "says nothing of an output: begin with one, such as output.elasticsearch, or leave the file empty")
	}
	settings := global.settings()
	for i, o := range settings {
		if !own[o.key.Value] && !isOutput(o.key.Value) {
			continue
		}
		end := len(global.lines)
		if i+1 < len(settings) {
			end = settings[i+1].key.Line - 1
		}
		if end < o.key.Line {
			r.problem(global.path, o.key.Line, "%s shares its line with another setting: give it one of its own, so that %s can take its place", o.key.Value, output.path)
		}
		global.cut(o.key.Line, end)
	}
}

func isOutput(key string) bool { return key == "output" || strings.HasPrefix(key, "output.") }

// checkRedisCA looks at the certificates that filebeat would only complain of in
// its own log.
func (r *renderer) checkRedisCA() error {
	if !bool(r.RedisTLS) || r.RedisCAFile == "" || r.HasFilebeatOutput() {
		return nil
	}
	data, err := fsutil.ReadFile(r.RedisCAFile)
	if err == nil && x509.NewCertPool().AppendCertsFromPEM(data) {
		return nil
	}
	text := "expected certificates in PEM form"
	if err != nil {
		text = err.Error()
	}
	return &config.Error{Problems: []string{fmt.Sprintf("LOGGING_REDIS_CA_FILE=%q: %s", r.RedisCAFile, text)}}
}
