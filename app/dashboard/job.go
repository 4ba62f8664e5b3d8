package dashboard

import (
	"html/template"
	"maps"
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
}

// NewJobPage makes the page. recent are the newest runs for the chart.
func NewJobPage(base Base, now time.Time, d ops.JobDetail, recent []cron.Record, runs RunList, audit []contract.AuditEntry) JobPage {
	p := JobPage{
		JobDetail: d, Now: now, Chart: durationChart(base, recent), Runs: runs,
		Fields: ArgFields(d.ArgsSchema, d.Args), Policies: policies(d.Policies, d.Ping), Audit: auditRows(audit),
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

// Filters are the statuses to filter runs by.
func (p JobPage) Filters() []cron.Status {
	return []cron.Status{cron.Succeeded, cron.Failed, cron.Running, cron.Cancelled, cron.Skipped, cron.Interrupted}
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
