package dashboard

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"fibercrons/app/ops"
)

// SchedulesPerPage is the number of stored schedules on a page.
const SchedulesPerPage = 50

// ScheduleFilter is the filter and cursor in the list's address.
type ScheduleFilter struct {
	Search string // in the ID and in the values of Meta
	Job    string
	Paused string // true, false, or empty
	Meta   map[string]string
	After  string // the page begins after this ID
}

// mostJobs is how many jobs a filter lists to choose from.
const mostJobs = 200

// ScheduleList is a page of stored schedules, by ID. It does not count them: there may be millions.
type ScheduleList struct {
	Filter ScheduleFilter
	Rows   []ScheduleRow
	Jobs   []string // to choose from; none: too many
	next   string
}

// ScheduleRow is a stored schedule in a list.
type ScheduleRow struct {
	ops.ScheduleView
	Says string // the expression in plain English
	Tags []ScheduleTag
	More int // further members of Meta
}

// ScheduleTag is a member of a schedule's Meta.
type ScheduleTag struct {
	Pair
	Address string // of the schedules that have it, below the root
}

// tagsShown is how many members of Meta a row shows.
const tagsShown = 3

// NewScheduleList makes the page. jobs are the names of the registered ones.
func NewScheduleList(f ScheduleFilter, page ops.SchedulePage, explain func(ops.ScheduleView) string, jobs []string) ScheduleList {
	list := ScheduleList{Filter: f, Rows: scheduleRows(page.Items, explain), next: page.Next}
	if len(jobs) <= mostJobs {
		list.Jobs = withJob(jobs, f.Job)
	}
	return list
}

// withJob returns the names with one that may be missing, such as that of an orphan's job.
func withJob(jobs []string, name string) []string {
	if name == "" || slices.Contains(jobs, name) {
		return jobs
	}
	return append(slices.Clone(jobs), name)
}

func scheduleRows(items []ops.ScheduleView, explain func(ops.ScheduleView) string) []ScheduleRow {
	rows := make([]ScheduleRow, 0, len(items))
	for _, v := range items {
		row := ScheduleRow{ScheduleView: v, Says: explain(v)}
		for _, p := range pairs(v.Meta) {
			if len(row.Tags) == tagsShown {
				row.More = len(v.Meta) - tagsShown
				break
			}
			row.Tags = append(row.Tags, ScheduleTag{p, ScheduleFilter{Meta: map[string]string{p.Key: p.Value}}.address()})
		}
		rows = append(rows, row)
	}
	return rows
}

// Zone is that of the expression, unless the plain English names it.
func (r ScheduleRow) Zone() string {
	if strings.HasSuffix(r.Says, r.Timezone) {
		return ""
	}
	return r.Timezone
}

// pairs are the members of a map, by key.
func pairs(m map[string]string) (list []Pair) {
	for _, key := range slices.Sorted(maps.Keys(m)) {
		list = append(list, Pair{key, m[key]})
	}
	return list
}

// Anchor identifies the row in the page.
func (r ScheduleRow) Anchor() string { return "s-" + url.QueryEscape(r.ID) }

// Filtered reports whether schedules are left out.
func (l ScheduleList) Filtered() bool {
	f := l.Filter
	return f.Search != "" || f.Job != "" || f.Paused != "" || len(f.Meta) > 0
}

// Alone reports whether the page has all that match.
func (l ScheduleList) Alone() bool { return l.Filter.After == "" && l.next == "" }

// Meta are the members that the listed ones have.
func (l ScheduleList) Meta() []Pair { return pairs(l.Filter.Meta) }

// First is the address of the first page, below the root, or empty.
func (l ScheduleList) First() string {
	if l.Filter.After == "" {
		return ""
	}
	return l.with(func(f *ScheduleFilter) { f.After = "" })
}

// Next is the address of the next page, below the root, or empty.
func (l ScheduleList) Next() string {
	if l.next == "" {
		return ""
	}
	return l.with(func(f *ScheduleFilter) { f.After = l.next })
}

// WithPaused is the list's address, below the root, with another filter by pause.
func (l ScheduleList) WithPaused(paused string) string {
	return l.with(func(f *ScheduleFilter) { f.Paused, f.After = paused, "" })
}

// WithoutMeta is the list's address, below the root, without the filter by Meta.
func (l ScheduleList) WithoutMeta() string {
	return l.with(func(f *ScheduleFilter) { f.Meta, f.After = nil, "" })
}

func (l ScheduleList) with(change func(*ScheduleFilter)) string {
	f := l.Filter
	change(&f)
	return f.address()
}

// SchedulesOf is the address of a job's stored schedules, below the root.
func SchedulesOf(job string) string { return ScheduleFilter{Job: job}.address() }

func (f ScheduleFilter) address() string {
	v := url.Values{}
	for name, value := range map[string]string{"q": f.Search, "job": f.Job, "paused": f.Paused, "after": f.After} {
		if value != "" {
			v.Set(name, value)
		}
	}
	for _, p := range pairs(f.Meta) {
		v.Add("meta", p.Key+":"+p.Value)
	}
	if len(v) == 0 {
		return "/schedules"
	}
	return "/schedules?" + v.Encode()
}

// Short is the value of a tag in a row.
func (t ScheduleTag) Short() string {
	const most = 24
	text := t.Key + ": " + t.Value
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most-1]) + "…"
	}
	return strings.ReplaceAll(text, "\n", " ")
}

// Linkable reports whether a link can find the schedules with the tag: a filter ends a key at its first colon, and is
// not too long.
func (t ScheduleTag) Linkable() bool {
	return !strings.Contains(t.Key, ":") && len(t.Key)+len(t.Value) < 500
}
