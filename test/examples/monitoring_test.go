package examples

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

const monitoringDir = "../../examples/monitoring"

func TestAlerts(t *testing.T) {
	for _, args := range [][]string{{"check", "rules", "alerts.yml"}, {"test", "rules", "alerts_test.yml"}} {
		cmd := exec.CommandContext(t.Context(), "promtool", args...)
		cmd.Dir = monitoringDir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
	rules, tests := testenv.Read(t, filepath.Join(monitoringDir, "alerts.yml")), testenv.Read(t, filepath.Join(monitoringDir, "alerts_test.yml"))
	for _, alert := range regexp.MustCompile(`- alert: (\w+)`).FindAllStringSubmatch(rules, -1) {
		fires := regexp.MustCompile(`alertname: ` + alert[1] + `\n +exp_alerts:\n`)
		if !fires.MatchString(tests) {
			t.Errorf("no test shows that %s fires", alert[1])
		}
	}
}

// metrics are the names of the listener's metrics, with their labels.
func metrics(t *testing.T) map[string]string {
	t.Helper()
	sources, err := filepath.Glob("../../pkg/web/*.go")
	if err != nil || len(sources) == 0 {
		t.Fatalf("sources %v, %v", sources, err)
	}
	known := map[string]string{}
	for _, source := range sources {
		for _, m := range regexp.MustCompile(`\.family\((?:counter|gauge), "(\w+)", "[^"]*"([^)]*)\)`).FindAllStringSubmatch(testenv.Read(t, source), -1) {
			known["container_manager_"+m[1]] = m[2]
		}
	}
	return known
}

// Alerts and dashboard ask for metrics and labels that there are.
func TestAlertsAndDashboardFitTheMetrics(t *testing.T) {
	known := metrics(t)
	for _, file := range []string{"alerts.yml", "alerts_test.yml", "dashboard.json"} {
		text := testenv.Read(t, filepath.Join(monitoringDir, file))
		names := regexp.MustCompile(`container_manager_\w+`).FindAllString(text, -1)
		if len(names) < 10 {
			t.Errorf("%s asks for %d metrics", file, len(names))
		}
		for _, name := range names {
			if _, ok := known[name]; !ok {
				t.Errorf("%s asks for %s, which the listener does not have", file, name)
			}
		}
		for _, m := range regexp.MustCompile(`(container_manager_\w+)\\?\{([^}]*)\}`).FindAllStringSubmatch(text, -1) {
			for _, label := range regexp.MustCompile(`(\w+)(?:=~|!~|!=|=)`).FindAllStringSubmatch(m[2], -1) {
				name := label[1]
				switch name {
				case "instance", "job": // Prometheus' own
					continue
				case "exported_job":
					name = "job"
				}
				if !regexp.MustCompile(`"` + name + `"`).MatchString(known[m[1]]) {
					t.Errorf("%s asks for the label %s of %s, which has%s", file, label[1], m[1], known[m[1]])
				}
			}
		}
	}
}

func TestDashboard(t *testing.T) {
	var dashboard struct {
		Panels []struct {
			Title   string
			ID      int
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(testenv.Read(t, filepath.Join(monitoringDir, "dashboard.json"))), &dashboard); err != nil {
		t.Fatal(err)
	}
	rules := "groups:\n- name: dashboard\n  rules:\n"
	seen := map[int]bool{}
	for _, p := range dashboard.Panels {
		if p.Title == "" || seen[p.ID] || len(p.Targets) == 0 {
			t.Errorf("panel %+v", p)
		}
		seen[p.ID] = true
		for _, target := range p.Targets {
			expr := regexp.MustCompile(`\$__rate_interval`).ReplaceAllString(target.Expr, "5m")
			quoted, _ := json.Marshal(expr)
			rules += "  - record: a:b\n    labels: {title: '" + p.Title + "'}\n    expr: " + string(quoted) + "\n"
		}
	}
	file := filepath.Join(testenv.Dir(t), "rules.yml")
	testenv.Write(t, file, rules, 0o644)
	if out, err := exec.CommandContext(t.Context(), "promtool", "check", "rules", file).CombinedOutput(); err != nil {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}
