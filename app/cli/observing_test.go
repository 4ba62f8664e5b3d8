package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// What is exported is what Grafana and Prometheus read; app/metrics tests what is in it.
func TestExport(t *testing.T) {
	f := newFixture(t)
	f.env = map[string]string{"PORT": "not asked for"} // it needs neither configuration nor database
	board := f.run("export", "grafana")
	var b struct {
		Title  string
		Panels []any
	}
	if err := json.Unmarshal([]byte(board.out), &b); err != nil || board.status != 0 || b.Title == "" || len(b.Panels) < 20 {
		t.Errorf("grafana: exit %d, %v, %+.100v", board.status, err, b)
	}
	alerts := f.run("export", "alerts")
	var rules struct {
		Groups []struct {
			Name  string
			Rules []struct{ Alert, Expr string }
		}
	}
	if err := yaml.Unmarshal([]byte(alerts.out), &rules); err != nil || alerts.status != 0 || len(rules.Groups) < 3 {
		t.Errorf("alerts: exit %d, %v, %+.100v", alerts.status, err, rules)
	}
	if strings.Contains(alerts.out, "[[") || strings.Contains(alerts.out, "<no value>") {
		t.Errorf("a name was not filled in:\n%s", alerts.out)
	}
	if _, err := os.Stat(filepath.Join(f.dir, "data")); !os.IsNotExist(err) {
		t.Error("a database was made")
	}
}
