package dashboard

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"fibercrons/app/contract"
)

// silentAfter is the time without a heartbeat after which an instance counts as silent.
const silentAfter = time.Minute

// InstancesPage lists the processes that share the database.
type InstancesPage struct{ Rows []InstanceRow }

// InstanceRow is a process.
type InstanceRow struct {
	contract.InstanceInfo
	State  string // alive, silent, stopped
	Uptime string
}

// NewInstances makes the page: running instances first, then the newest.
func NewInstances(now time.Time, list []contract.InstanceInfo) InstancesPage {
	var p InstancesPage
	for _, i := range list {
		row := InstanceRow{InstanceInfo: i, State: "alive"}
		end := now
		switch {
		case !i.StoppedAt.IsZero():
			row.State, end = "stopped", i.StoppedAt
		case now.Sub(i.SeenAt) > silentAfter:
			row.State, end = "silent", i.SeenAt
		}
		row.Uptime = span(end.Sub(i.StartedAt))
		p.Rows = append(p.Rows, row)
	}
	slices.SortStableFunc(p.Rows, func(a, b InstanceRow) int {
		if a.State == b.State {
			return b.StartedAt.Compare(a.StartedAt)
		}
		return strings.Compare(a.State, b.State) // alive, silent, stopped
	})
	p.Rows = p.Rows[:min(len(p.Rows), 100)]
	return p
}

// Living are the running instances.
func (p InstancesPage) Living() (list []InstanceRow) {
	for _, row := range p.Rows {
		if row.State == "alive" {
			list = append(list, row)
		}
	}
	return list
}

// Silent is the number of instances that went silent within the last hour. Older ones are not news.
func (p InstancesPage) Silent() (n int) {
	for _, row := range p.Rows {
		n += btoi(row.State == "silent" && time.Since(row.SeenAt) < time.Hour)
	}
	return n
}

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
	Job  string   // the changed job, if known
	Says []Change // what changed
}

// Change is a value before and after.
type Change struct{ Key, From, To string }

// NewAudit makes the page.
func NewAudit(entries []contract.AuditEntry, target string, before, next int64) AuditPage {
	return AuditPage{Rows: auditRows(entries), Target: target, Before: before, Next: next}
}

// IsRun reports whether the change was to a run.
func (r AuditRow) IsRun() bool { return r.Action == "cancel" || r.Action == "retry" }

func auditRows(entries []contract.AuditEntry) []AuditRow {
	rows := make([]AuditRow, 0, len(entries))
	for _, e := range entries {
		row := AuditRow{AuditEntry: e, Says: changes(e.Before, e.After)}
		if !row.IsRun() {
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
		if from == to || from == "" && (to == "" || to == "false") || key == "pause" {
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

// SettingsPage shows the configuration in force.
type SettingsPage struct {
	Groups []SettingGroup
}

// SettingGroup is a section of the configuration.
type SettingGroup struct {
	Name string
	List []Setting
}

// Setting is an environment variable and its value in force.
type Setting struct {
	Name, Value, Default, About string
	Secret, Changed             bool
}

// NewSettings makes the page.
func NewSettings(list []Setting) SettingsPage {
	groups := []SettingGroup{{Name: "Server"}, {Name: "Scheduler"}, {Name: "Access"}, {Name: "Alerts"}, {Name: "Log"}, {Name: "Yours"}}
	for _, s := range list {
		at := 5
		switch name := s.Name; {
		case strings.HasPrefix(name, "LOG_"):
			at = 4
		case strings.HasPrefix(name, "ALERT_") || name == "SMTP_URL":
			at = 3
		case strings.Contains(name, "TOKEN") || name == "CRON_AUTH" || name == "CRON_ALLOWED_HOSTS":
			at = 2
		case strings.HasPrefix(name, "CRON_"):
			at = 1
		case slices.Contains([]string{"APP_ENV", "HOST", "PORT", "DATABASE_URL", "REDIS_URL", "REDIS_PREFIX"}, name):
			at = 0
		}
		groups[at].List = append(groups[at].List, s)
	}
	return SettingsPage{slices.DeleteFunc(groups, func(g SettingGroup) bool { return len(g.List) == 0 })}
}
