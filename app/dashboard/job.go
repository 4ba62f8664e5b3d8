package dashboard

import (
	"html/template"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/ops"
	"fibercrons/app/schedule"
)

// RunsPerPage is the number of runs on a page.
const RunsPerPage = 25

// JobPage is the page of one job.
type JobPage struct {
	ops.JobDetail
	Now      time.Time
	Chart    template.HTML
	Runs     RunList
	Fields   []ArgField // of the form for a manual run
	Metadata []Pair
	Policies []Policy
	Audit    []AuditRow
	ZoneNow  string // current time in the job's zone

	Stored []ScheduleRow // the first of its stored schedules
	More   bool          // it has further ones
}

// Pair is a key and its value.
type Pair struct{ Key, Value string }

// Policy is one policy of a job and its explanation.
type Policy struct{ Name, Value, Text string }

// RunList is a page of runs, newest first.
type RunList struct {
	Runs   []cron.Record
	Status cron.Status // only these
	Before string      // the page begins after this run
	Next   string      // cursor of the next page, or empty

	at string // the first page without a filter, below the root
}

// OfJob reports whether the list has the runs of all of a job's schedules.
func (l RunList) OfJob() bool { return strings.HasPrefix(l.at, "/jobs/") }

// Filters are the statuses to filter runs by.
func (l RunList) Filters() []cron.Status {
	return []cron.Status{cron.Succeeded, cron.Failed, cron.Running, cron.Cancelled, cron.Skipped, cron.Interrupted}
}

// Address is the page that begins after a run, with a status, below the root. Both may be empty.
func (l RunList) Address(status cron.Status, before string) string {
	v := url.Values{}
	if status != "" {
		v.Set("status", string(status))
	}
	if before != "" {
		v.Set("before", before)
	}
	switch {
	case len(v) == 0:
		return l.at
	case strings.Contains(l.at, "?"):
		return l.at + "&" + v.Encode()
	}
	return l.at + "?" + v.Encode()
}

// NewJobPage makes the page. recent are the newest runs for the chart.
func NewJobPage(base Base, now time.Time, d ops.JobDetail, recent []cron.Record, runs RunList, audit []contract.AuditEntry) JobPage {
	runs.at = "/jobs/" + url.PathEscape(d.Name)
	p := JobPage{
		JobDetail: d, Now: now, Chart: durationChart(base, recent), Runs: runs,
		Fields: ArgFields(d.ArgsSchema, d.Args), Policies: policies(d.Policies, d.Ping),
	}
	for _, row := range auditRows(audit) {
		if row.Stored == "" { // a stored schedule may have the same name
			p.Audit = append(p.Audit, row)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(d.Metadata)) {
		p.Metadata = append(p.Metadata, Pair{key, d.Metadata[key]})
	}
	if zone, err := schedule.LoadLocation(d.Timezone); err == nil {
		p.ZoneNow = now.In(zone).Format("15:04")
	}
	return p
}

// Local formats an instant in the job's zone.
func (p JobPage) Local(t time.Time) string {
	zone, err := schedule.LoadLocation(p.Timezone)
	if err != nil {
		zone = time.UTC
	}
	return t.In(zone).Format("Mon 2 Jan 15:04:05 MST")
}

// StoredShown is how many of its stored schedules a job's page shows.
const StoredShown = 10

// WithStored adds the job's stored schedules: a page with at most [StoredShown].
func (p JobPage) WithStored(page ops.SchedulePage, explain func(ops.ScheduleView) string) JobPage {
	p.Stored, p.More = scheduleRows(page.Items, explain), page.Next != ""
	return p
}

// StoredList is the address of all of its stored schedules, below the root.
func (p JobPage) StoredList() string { return SchedulesOf(p.Name) }

// StoredNew is the address of the form for a new one, below the root.
func (p JobPage) StoredNew() string { return "/schedules/new?" + url.Values{"job": {p.Name}}.Encode() }

// OnDemand reports whether the job has no schedule of its own.
func (p JobPage) OnDemand() bool { return onDemand(p.JobView) }

// OnDemand reports whether the job has no schedule of its own.
func (r JobRow) OnDemand() bool { return onDemand(r.JobView) }

func onDemand(v ops.JobView) bool {
	return len(v.Schedules) == 1 && v.Schedules[0] == cron.OnDemand
}

// tidy removes zero units at the end of a duration in Go's notation.
func tidy(text string) string {
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func policies(p ops.PolicyView, ping *ops.PingView) []Policy {
	for _, d := range []*string{&p.Timeout, &p.CatchUpWindow, &p.StartWithin, &p.KeepFor} {
		*d = tidy(*d)
	}

	timeout := p.Timeout
	if timeout == "0s" {
		timeout = "none"
	}
	list := []Policy{
		{"Timeout", timeout, "limit for one attempt"},
		{"Retries", number(p.Retries), "further attempts after a failure"},
	}
	if p.Retries > 0 {
		list = append(list, Policy{"Backoff", p.Backoff, "pause before each retry"})
	}
	list = append(list,
		Policy{"Overlap", p.Overlap, map[string]string{
			"skip": "a slot that is due during a run is skipped", "queue": "a slot that is due during a run waits for it",
			"allow": "runs may overlap", "replace": "a new run cancels the one before it"}[p.Overlap]},
		Policy{"Catch-up", p.CatchUp, map[string]string{
			"latest": "the newest missed slot runs", "all": "every missed slot runs", "none": "missed slots do not run"}[p.CatchUp] + ", within " + p.CatchUpWindow},
		Policy{"After a crash", p.OnCrash, map[string]string{
			"skip": "recorded as interrupted: at most once", "rerun": "it runs again: at least once"}[p.OnCrash]},
	)
	if p.StartWithin != "0s" {
		list = append(list, Policy{"Start within", p.StartWithin, "of the slot, or the run is skipped"})
	}
	if p.Group != "" {
		list = append(list, Policy{"Group", p.Group, "at most " + number(p.GroupLimit) + " at once, across all processes"})
	}
	alerts := "none"
	if len(p.Alerts) > 0 {
		alerts = strings.Join(p.Alerts, ", ")
	}
	list = append(list, Policy{"History", number(p.KeepRuns) + " runs", "for " + p.KeepFor}, Policy{"Alerts", alerts, "when alerts are sent"})
	if ping != nil {
		list = append(list, Policy{"Ping", ping.Host, "monitors runs, and raises an alarm if there are none"})
	}
	return list
}
