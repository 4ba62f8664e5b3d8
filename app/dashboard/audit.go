package dashboard

import (
	"encoding/json"
	"slices"
	"strings"

	"fibercrons/app/contract"
)

// AuditPage lists the changes made by people and programs.
type AuditPage struct {
	Rows   []AuditRow
	Target string
	Before int64
	Next   int64 // cursor of the next page, or 0
}

// AuditRow is one change.
type AuditRow struct {
	contract.AuditEntry
	Job    string   // the changed job, if known
	Stored string   // the stored schedule that was changed or run
	Says   []Change // what changed
}

// Change is a value before and after, in one place and another.
type Change struct{ Key, From, To string }

// NewAudit makes the page.
func NewAudit(entries []contract.AuditEntry, target string, before, next int64) AuditPage {
	return AuditPage{Rows: auditRows(entries), Target: target, Before: before, Next: next}
}

// IsRun reports whether the change was to a run.
func (r AuditRow) IsRun() bool { return r.Action == "cancel" || r.Action == "retry" }

// Several reports whether stored schedules were changed together.
func (r AuditRow) Several() bool {
	var numbers struct{ First, Last *string }
	return strings.HasPrefix(r.Action, "schedule.") && json.Unmarshal(r.After, &numbers) == nil && numbers.First != nil && numbers.Last != nil
}

// startedBySchedule reports whether a run was started of a stored schedule, whose ID is then the target.
func startedBySchedule(e contract.AuditEntry) bool {
	var after struct{ Schedule string }
	return json.Unmarshal(e.After, &after) == nil && after.Schedule == e.Target
}

func auditRows(entries []contract.AuditEntry) []AuditRow {
	rows := make([]AuditRow, 0, len(entries))
	for _, e := range entries {
		row := AuditRow{AuditEntry: e, Says: changes(e.Before, e.After)}
		switch {
		case row.IsRun(), row.Several():
		case strings.HasPrefix(e.Action, "schedule."), e.Action == "run" && startedBySchedule(e):
			row.Stored = e.Target
		default:
			row.Job = e.Target
		}
		rows = append(rows, row)
	}
	return rows
}

// changes lists the differences between two objects, or all of the second if there is no first.
func changes(before, after json.RawMessage) (list []Change) {
	was, is := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	_ = json.Unmarshal(before, &was) // nothing was, then
	_ = json.Unmarshal(after, &is)
	keys := map[string]bool{}
	for key := range was {
		keys[key] = true
	}
	for key := range is {
		keys[key] = true
	}
	for key := range keys {
		from, to := plain(was[key]), plain(is[key])
		if from == to || from == "" && slices.Contains([]string{"", "false", "0", "{}"}, to) || key == "pause" {
			continue
		}
		list = append(list, Change{key, from, to})
	}
	slices.SortFunc(list, func(a, b Change) int { return strings.Compare(a.Key, b.Key) })
	return list
}

// plain formats a JSON value for people.
func plain(raw json.RawMessage) string {
	var text string
	var texts []string
	switch {
	case len(raw) == 0, string(raw) == "null":
		return ""
	case json.Unmarshal(raw, &text) == nil:
		return text
	case json.Unmarshal(raw, &texts) == nil:
		return strings.Join(texts, ", ")
	}
	return string(raw)
}
