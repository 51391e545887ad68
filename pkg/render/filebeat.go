package render

import (
	"crypto/x509"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/fsutil"

	"go.yaml.in/yaml/v3"
)

// filebeat renders the global file and every input of filebeat.d. The results are
// private, because they hold values and because filebeat insists on it. When filebeat
// does not run, nothing is rendered, and the files that an earlier start has rendered
// are removed: they hold a password.
func (r *renderer) filebeat() error {
	dir := filepath.Join(filepath.Dir(FilebeatConf(r.Config)), "filebeat.d")
	r.owns(dir, FilebeatConf(r.Config))
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
	global, err := r.filebeatGlobal(ids, dir)
	if err != nil {
		return err
	}
	if err := r.addYAML(FilebeatConf(r.Config), global); err != nil {
		return err
	}
	for _, path := range snippets {
		f, err := r.readYAML(path, dir)
		if err != nil {
			return err
		}
		r.literals(f)
		r.checkInputs(f, r.listedInputs(f), ids)
		if err := r.addYAML(filepath.Join(dir, filepath.Base(path)), f); err != nil {
			return err
		}
	}
	return nil
}

func (r *renderer) addYAML(path string, f *yamlFile) error {
	text, err := f.encode()
	if err == nil {
		r.add(path, text, private)
	}
	return err
}

// filebeatGlobal reads the global file. The settings of the output file replace the same
// settings of the global file, and its output replaces any other.
func (r *renderer) filebeatGlobal(ids map[string]string, inputsDir string) (*yamlFile, error) {
	global, err := r.readYAML(filepath.Join(r.LoggingDir, "filebeat-global.yml"), inputsDir)
	if err != nil {
		return nil, err
	}
	files := []*yamlFile{global}
	if r.HasFilebeatOutput() {
		output, err := r.readYAML(r.FilebeatOutput(), inputsDir)
		if err != nil {
			return nil, err
		}
		r.override(global, output)
		files = append(files, output)
	}
	for _, f := range files {
		r.literals(f)
		r.checkInputs(f, globalInputs(f), ids)
	}
	for _, f := range files[1:] {
		global.join(f)
	}
	return global, nil
}

// readYAML reads a template of filebeat's. Where the template names the directory of
// the inputs, the result names the directory of the rendered inputs.
func (r *renderer) readYAML(path, inputsDir string) (*yamlFile, error) {
	data, err := fsutil.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read filebeat's configuration: %w", err)
	}
	toRendered := strings.NewReplacer(
		"${IMAGE_LOGGING_DIR}/filebeat.d/", inputsDir+"/",
		filepath.Join(r.LoggingDir, "filebeat.d")+"/", inputsDir+"/",
	)
	text := toRendered.Replace(string(data))
	docs, err := documents(text)
	if err != nil {
		r.problem(path, badLine(text), "no YAML from here on: %s", yamlReason(err))
	}
	return &yamlFile{path, docs}, nil
}

// override removes from the global file the settings that the output file has too.
func (r *renderer) override(global, output *yamlFile) {
	own, hasOutput := map[string]bool{}, false
	for _, p := range pairs(output.root()) {
		own[p.key.Value] = true
		hasOutput = hasOutput || isOutput(p.key.Value)
	}
	if output.docs != nil && !hasOutput {
		r.problem(output.path, noLine, "says nothing of an output: begin with one, such as output.elasticsearch, or leave the file empty")
	}
	var kept []*yaml.Node
	for _, p := range pairs(global.root()) {
		if !own[p.key.Value] && !isOutput(p.key.Value) {
			kept = append(kept, p.key, p.value)
		}
	}
	if root := global.root(); root != nil {
		root.Content = kept
	}
}

func isOutput(key string) bool { return key == "output" || strings.HasPrefix(key, "output.") }

// checkRedisCA checks the file of certificates. filebeat would report an error only in
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
