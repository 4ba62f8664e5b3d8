package board

import (
	"encoding/json"
	"strings"
)

// Board returns a Grafana dashboard of all metrics, as JSON for Grafana's import, which asks for the Prometheus data
// source.
func Board() ([]byte, error) {
	b := board{source: source{Type: "prometheus", UID: "${datasource}"}}
	for _, r := range rows() {
		b.row(r)
	}
	return json.MarshalIndent(map[string]any{
		"__requires": []any{
			map[string]any{"type": "grafana", "id": "grafana", "name": "Grafana", "version": "10.0.0"},
			map[string]any{"type": "datasource", "id": "prometheus", "name": "Prometheus", "version": "1.0.0"},
		},
		"uid": "fibercrons", "title": "Cron jobs", "tags": []string{"cron", "fibercrons"},
		"description":   "Made by: cli export grafana",
		"schemaVersion": 39, "version": 1, "editable": true, "graphTooltip": 1, "refresh": "30s", "timezone": "browser",
		"time":        map[string]any{"from": "now-6h", "to": "now"},
		"annotations": map[string]any{"list": []any{}},
		"links":       []any{},
		"templating": map[string]any{"list": []any{
			map[string]any{"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "current": map[string]any{}, "hide": 0, "includeAll": false, "multi": false, "options": []any{}, "refresh": 1, "regex": ""},
			b.variable("target", "Target", "label_values("+Workers+", job)"),
			b.variable("job", "Job", "label_values("+RunsTotal+`{job=~"$target"}, `+LabelJob+")"),
		}},
		"panels": b.panels,
	}, "", "  ")
}

// row is a heading with panels.
type row struct {
	title  string
	panels []panel
}

// panel is one graph or number.
type panel struct {
	title, unit, about string
	number             bool // not over time
	width              int  // of 24. Default: 8
	queries            []query
}

type query struct{ expr, legend string }

type source struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

type board struct {
	source  source
	panels  []any
	y, next int // of the grid; ID of the next panel
}

func (b *board) variable(name, label, values string) map[string]any {
	return map[string]any{
		"name": name, "label": label, "type": "query", "datasource": b.source, "definition": values,
		"query":      map[string]any{"query": values, "refId": "variable-" + name},
		"includeAll": true, "allValue": ".*", "multi": true, "refresh": 2, "sort": 1, "hide": 0, "regex": "", "options": []any{},
		"current": map[string]any{"selected": true, "text": []string{"All"}, "value": []string{"$__all"}},
	}
}

func (b *board) place(w, h, x int) map[string]any {
	b.next++
	return map[string]any{"x": x, "y": b.y, "w": w, "h": h}
}

func (b *board) row(r row) {
	b.panels = append(b.panels, map[string]any{"type": "row", "title": r.title, "collapsed": false, "panels": []any{}, "gridPos": b.place(24, 1, 0), "id": b.next})
	b.y++
	x, high := 0, 0
	for _, p := range r.panels {
		w, h, kind := p.width, 8, "timeseries"
		if w == 0 {
			w = 8
		}
		if p.number {
			h, kind = 4, "stat"
		}
		if x+w > 24 {
			x, b.y, high = 0, b.y+high, 0
		}
		targets := make([]any, len(p.queries))
		for i, q := range p.queries {
			targets[i] = map[string]any{
				"refId": string(rune('A' + i)), "datasource": b.source, "expr": chosen(q.expr), "legendFormat": q.legend,
				"range": !p.number, "instant": p.number, "editorMode": "code",
			}
		}
		one := map[string]any{
			"type": kind, "title": p.title, "description": p.about, "datasource": b.source, "targets": targets,
			"gridPos": b.place(w, h, x), "id": b.next,
			"fieldConfig": map[string]any{"defaults": map[string]any{"unit": p.unit, "min": 0}, "overrides": []any{}},
			"options":     map[string]any{"legend": map[string]any{"displayMode": "list", "placement": "bottom", "showLegend": true}, "tooltip": map[string]any{"mode": "multi", "sort": "desc"}},
		}
		if p.number {
			one["options"] = map[string]any{"colorMode": "value", "graphMode": "area", "reduceOptions": map[string]any{"calcs": []string{"lastNotNull"}, "fields": "", "values": false}}
		}
		b.panels = append(b.panels, one)
		x, high = x+w, max(high, h)
	}
	b.y += high
}

// chosen restricts the metrics of an expression, written <name> or <name{label="x"}>, to the selection at the top of
// the board.
func chosen(expr string) string {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(expr, "<")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		metric, after, _ := strings.Cut(rest, ">")
		name, labels, _ := strings.Cut(strings.TrimSuffix(metric, "}"), "{")
		picked := []string{`job=~"$target"`}
		if ofJob[name] {
			picked = append(picked, LabelJob+`=~"$job"`)
		}
		if labels != "" {
			picked = append(picked, labels)
		}
		if suffixed := strings.TrimSuffix(name, "_bucket"); ofJob[suffixed] && suffixed != name {
			picked = append(picked, LabelJob+`=~"$job"`)
		}
		out.WriteString(name + "{" + strings.Join(picked, ",") + "}")
		expr = after
	}
}

// ofJob are the metrics with the label job_name.
var ofJob = map[string]bool{
	RunsTotal: true, RetriesTotal: true, UnheedingTotal: true, RunDuration: true, StartLateness: true, SinceSuccess: true,
	UntilNext: true, SlotGap: true, JobFailing: true, JobPaused: true,
}
