package metrics_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"fibercrons/app/metrics/board"
)

var (
	metricName = regexp.MustCompile(`\b(cron|http|go|process)_[a-z_]+[a-z]\b`)
	suffix     = regexp.MustCompile(`_(bucket|sum|count)$`)
)

// told are the names of all metrics, and of the parts of histograms.
func told(t *testing.T) map[string]bool {
	t.Helper()
	all, err := everything(t).Gather()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, f := range all {
		names[f.GetName()] = true
	}
	return names
}

type grafana struct {
	SchemaVersion int
	Title, UID    string
	Templating    struct {
		List []struct{ Name, Type string }
	}
	Panels []struct {
		ID      int
		Type    string
		Title   string
		GridPos struct{ X, Y, W, H int }
		Targets []struct {
			RefID, Expr string
			Datasource  struct{ Type, UID string }
		}
	}
}

func TestBoardAsksForMetricsThatThereAre(t *testing.T) {
	text, err := board.Board()
	if err != nil {
		t.Fatal(err)
	}
	var b grafana
	if err := json.Unmarshal(text, &b); err != nil {
		t.Fatal(err)
	}
	if b.SchemaVersion < 36 || b.Title == "" || b.UID == "" || b.Templating.List[0].Type != "datasource" {
		t.Errorf("the head is %+v", b)
	}
	names, used, ids := told(t), map[string]bool{}, map[int]bool{}
	taken := map[[2]int]string{}
	for _, p := range b.Panels {
		if p.ID == 0 || ids[p.ID] {
			t.Errorf("panel %q has the ID %d, which another has", p.Title, p.ID)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other, ok := taken[[2]int{x, y}]; ok || x >= 24 {
					t.Fatalf("panel %q lies over %q", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if p.Type == "row" {
			continue
		}
		if len(p.Targets) == 0 {
			t.Errorf("panel %q asks for nothing", p.Title)
		}
		for _, q := range p.Targets {
			if q.Datasource.UID != "${datasource}" || strings.ContainsAny(q.Expr, "<>") && !strings.HasSuffix(q.Expr, "> 0") && !strings.Contains(q.Expr, "> 0)") {
				t.Errorf("panel %q: %+v", p.Title, q)
			}
			found := metricName.FindAllString(q.Expr, -1)
			if len(found) == 0 {
				t.Errorf("panel %q asks for no metric: %s", p.Title, q.Expr)
			}
			for _, name := range found {
				used[suffix.ReplaceAllString(name, "")] = true
				if !names[name] && !names[suffix.ReplaceAllString(name, "")] {
					t.Errorf("panel %q asks for %s, which is not told", p.Title, name)
				}
			}
		}
	}
	for name := range names {
		if strings.HasPrefix(name, "cron_") && !used[name] {
			t.Errorf("%s is on no panel", name)
		}
	}
}

func TestRulesAskForMetricsThatThereAre(t *testing.T) {
	text, err := board.Rules()
	if err != nil {
		t.Fatal(err)
	}
	names := told(t)
	found := metricName.FindAllString(string(text), -1)
	if len(found) < 15 {
		t.Errorf("only %d metrics were found", len(found))
	}
	for _, name := range found {
		if !names[name] && !names[suffix.ReplaceAllString(name, "")] && name != "job_name" {
			t.Errorf("the rules ask for %s, which is not told", name)
		}
	}
}

func promtool(t *testing.T, stdin []byte, args ...string) {
	t.Helper()
	program := os.Getenv("TEST_PROMTOOL")
	if program == "" {
		t.Skip("TEST_PROMTOOL is not set; it names promtool, from Debian's package prometheus")
	}
	cmd := exec.Command(program, args...)
	cmd.Stdin = bytes.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// The rules load, and raise and withhold their alerts in the cases of testdata/alerts.yml.
func TestRulesPassPromtool(t *testing.T) {
	text, err := board.Rules()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "rules.yml"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	cases, err := os.ReadFile("testdata/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "alerts.yml"), cases, 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, nil, "check", "rules", "--lint-fatal", filepath.Join(dir, "rules.yml"))
	promtool(t, nil, "test", "rules", filepath.Join(dir, "alerts.yml"))
}

// Each expression of the board is one that Prometheus understands.
func TestBoardPassesPromtool(t *testing.T) {
	text, err := board.Board()
	if err != nil {
		t.Fatal(err)
	}
	var b grafana
	if err := json.Unmarshal(text, &b); err != nil {
		t.Fatal(err)
	}
	type rule struct {
		Record string `json:"record"`
		Expr   string `json:"expr"`
	}
	var rules []rule
	fill := strings.NewReplacer("$__rate_interval", "5m", "$target", ".*", "$job", ".*")
	for _, p := range b.Panels {
		for _, q := range p.Targets {
			rules = append(rules, rule{"panel:" + strings.ToLower(q.RefID), fill.Replace(q.Expr)})
		}
	}
	file, err := json.Marshal(map[string]any{"groups": []any{map[string]any{"name": "board", "rules": rules}}}) // JSON is YAML
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "board.yml")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, nil, "check", "rules", "--lint", "none", path)
}
