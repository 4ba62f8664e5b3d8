package dashboard

import (
	"html/template"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/ops"
)

// PerPage is the number of jobs on a page.
const PerPage = 50

// JobList is the page of all jobs.
type JobList struct {
	Filter   ops.Filter
	Failing  bool // only those whose last run failed
	Rows     []JobRow
	Total    int // matching the filter
	All      int // that there are
	Offset   int
	Tags     []Count
	Statuses []Count
}

// Count is a status or tag and its number of jobs.
type Count struct {
	Word  string
	Count int
	On    bool
}

// JobRow is a job in a list.
type JobRow struct {
	ops.JobView
	Sample
	Spark template.HTML
	Last  *cron.Record // the newest run; nil if none was loaded
	Says  string       // the schedule in plain English

	failure *cron.Record
}

func newJobRow(j ops.JobView, recent []cron.Record) JobRow {
	row := JobRow{JobView: j, Sample: sampleOf(recent), Spark: sparkline(recent)}
	if len(recent) > 0 {
		row.Last = &recent[0]
	}
	for i, r := range recent {
		if r.Status == cron.Failed || r.Status == cron.Interrupted {
			row.failure = &recent[i]
			break
		}
	}
	return row
}

// Failure is the newest failed run among those loaded, or nil.
func (r JobRow) Failure() *cron.Record { return r.failure }

// Selection is the filter and offset in the list's address.
type Selection struct {
	Filter  ops.Filter
	Failing bool
	Offset  int
}

// Select returns one page of the jobs. The caller loads the runs of [JobList.Names] and passes them to [JobList.Fill].
func Select(jobs []ops.JobView, s Selection) JobList {
	list := JobList{Filter: s.Filter, Failing: s.Failing, Offset: s.Offset, All: len(jobs)}
	tags, states := map[string]int{}, map[string]int{}
	failing := 0
	var found []ops.JobView
	for _, j := range jobs {
		for _, tag := range j.Tags {
			tags[tag]++
		}
		states[string(j.Status)]++
		failed := j.LastStatus != nil && (*j.LastStatus == cron.Failed || *j.LastStatus == cron.Interrupted)
		failing += btoi(failed)
		if s.Failing && !failed || s.Filter.Status != "" && j.Status != s.Filter.Status ||
			s.Filter.Tag != "" && !slices.Contains(j.Tags, s.Filter.Tag) || !matches(j, s.Filter.Search) {
			continue
		}
		found = append(found, j)
	}
	for _, name := range []contract.JobStatus{contract.JobScheduled, contract.JobRunning, contract.JobPaused, contract.JobDisabled} {
		list.Statuses = append(list.Statuses, Count{string(name), states[string(name)], s.Filter.Status == name})
	}
	list.Statuses = append(list.Statuses, Count{"failing", failing, s.Failing})
	for tag, n := range tags {
		list.Tags = append(list.Tags, Count{tag, n, tag == s.Filter.Tag})
	}
	slices.SortFunc(list.Tags, func(a, b Count) int { return strings.Compare(a.Word, b.Word) })
	list.Total = len(found)
	if list.Offset >= list.Total {
		list.Offset = max(0, (list.Total-1)/PerPage*PerPage)
	}
	for _, j := range found[list.Offset:min(list.Offset+PerPage, list.Total)] {
		list.Rows = append(list.Rows, JobRow{JobView: j})
	}
	return list
}

func matches(j ops.JobView, search string) bool {
	search = strings.ToLower(strings.TrimSpace(search))
	has := func(text string) bool { return strings.Contains(strings.ToLower(text), search) }
	return search == "" || has(j.Name) || has(j.Description) || slices.ContainsFunc(j.Tags, has)
}

// Names are the jobs on the page.
func (l JobList) Names() []string {
	names := make([]string, len(l.Rows))
	for i, row := range l.Rows {
		names[i] = row.Name
	}
	return names
}

// Fill adds the runs of the jobs on the page and the explanations of their schedules.
func (l JobList) Fill(recent map[string][]cron.Record, explain func(ops.JobView) string) JobList {
	for i, row := range l.Rows {
		l.Rows[i] = newJobRow(row.JobView, recent[row.Name])
		l.Rows[i].Says = explain(row.JobView)
	}
	return l
}

// Filtered reports whether jobs are left out.
func (l JobList) Filtered() bool { return l.Filter != ops.Filter{} || l.Failing }

// From is the number of the first job on the page.
func (l JobList) From() int { return min(l.Offset+1, l.Total) }

// To is the number of the last job on the page.
func (l JobList) To() int { return l.Offset + len(l.Rows) }

// Before is the address of the previous page, below the root, or empty.
func (l JobList) Before() string {
	if l.Offset == 0 {
		return ""
	}
	return l.url(l.Filter, l.Failing, max(0, l.Offset-PerPage))
}

// After is the address of the next page, below the root, or empty.
func (l JobList) After() string {
	if l.To() >= l.Total {
		return ""
	}
	return l.url(l.Filter, l.Failing, l.Offset+PerPage)
}

// WithStatus is the list's address, below the root, with a status toggled.
func (l JobList) WithStatus(word string) string {
	f, failing := l.Filter, false
	switch {
	case word == "failing":
		f.Status, failing = "", !l.Failing
	case string(f.Status) == word:
		f.Status = ""
	default:
		f.Status = contract.JobStatus(word)
	}
	return l.url(f, failing, 0)
}

// WithTag is the list's address, below the root, with a tag toggled.
func (l JobList) WithTag(tag string) string {
	f := l.Filter
	if f.Tag == tag {
		tag = ""
	}
	f.Tag = tag
	return l.url(f, l.Failing, 0)
}

func (l JobList) url(f ops.Filter, failing bool, offset int) string {
	v := url.Values{}
	set := func(name, value string) {
		if value != "" {
			v.Set(name, value)
		}
	}
	set("q", f.Search)
	set("tag", f.Tag)
	set("status", string(f.Status))
	if failing {
		v.Set("status", "failing")
	}
	if offset > 0 {
		v.Set("offset", strconv.Itoa(offset))
	}
	if len(v) == 0 {
		return "/jobs"
	}
	return "/jobs?" + v.Encode()
}
