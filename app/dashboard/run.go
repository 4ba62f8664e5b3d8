package dashboard

import (
	"encoding/json"
	"fmt"
	"html/template"
	"strings"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

// LogLines is the number of log lines on a new page.
const LogLines = 500

// RunPage is the page of one run.
type RunPage struct {
	cron.Record
	Now     time.Time
	Log     LogTail
	Steps   []Step
	Audit   []AuditRow
	Known   bool // the job is still registered
	Picture template.HTML
}

// LogTail is a part of a log.
type LogTail struct {
	Run     string
	Lines   []cron.LogLine
	More    bool // lines before the first one are left out
	Started time.Time
}

// Step is a change of a run's state.
type Step struct {
	Name string // a status
	At   time.Time
	Text string
	Took string // until the next
}

// NewRunPage makes the page.
func NewRunPage(now time.Time, r cron.Record, lines []cron.LogLine, more bool, audit []contract.AuditEntry, known bool) RunPage {
	p := RunPage{Record: r, Now: now, Audit: auditRows(audit), Known: known}
	p.Log = LogTail{Run: r.ID, Lines: lines, More: more}
	p.Steps = steps(now, r)
	p.Picture = attemptsChart(now, r)
	return p
}

// Waits reports whether the run was recorded for later, and its time has not come.
func (p RunPage) Waits() bool { return p.Deferred && p.NextAt != nil && !p.Status.Ended() }

// Percent is the run's reported progress, or -1.
func (p RunPage) Percent() int { return percentOf(p.Progress) }

func percentOf(p *cron.Progress) int {
	if p == nil || p.Total <= 0 {
		return -1
	}
	return int(min(max(p.Done, 0), p.Total) * 100 / p.Total)
}

func steps(now time.Time, r cron.Record) (list []Step) {
	if r.Slot != nil {
		list = append(list, Step{Name: "due", At: *r.Slot, Text: "the slot"})
	}
	asked := map[cron.Trigger]string{
		cron.BySchedule: "by schedule", cron.ByCatchUp: "to catch up on a missed slot", cron.ByHand: "by hand",
		cron.ByBackfill: "by a backfill", cron.ByRetry: "as a retry of an earlier run",
	}[r.Trigger]
	if r.Actor != "" {
		asked += " (" + r.Actor + ")"
	}
	list = append(list, Step{Name: "queued", At: r.QueuedAt, Text: asked})
	for i, a := range r.Attempts {
		text := ""
		if len(r.Attempts) > 1 || r.Attempt > 1 {
			text = "attempt " + number(a.Number)
		}
		list = append(list, Step{Name: "running", At: a.StartedAt, Text: text})
		if a.EndedAt != nil && a.Error != "" && i < len(r.Attempts)-1 {
			list = append(list, Step{Name: "failed", At: *a.EndedAt, Text: "will be retried"})
		}
	}
	if len(r.Attempts) == 0 && r.StartedAt != nil {
		list = append(list, Step{Name: "running", At: *r.StartedAt})
	}
	if r.Cancel != nil {
		list = append(list, Step{Name: "cancel", At: *r.Cancel, Text: "cancellation was requested"})
	}
	if r.EndedAt != nil {
		list = append(list, Step{Name: string(r.Status), At: *r.EndedAt, Text: reasonWords(r.Reason)})
	}
	for i := range list {
		end := now
		switch {
		case i < len(list)-1:
			end = list[i+1].At
		case r.EndedAt != nil:
			continue
		}
		if d := end.Sub(list[i].At); d >= time.Millisecond {
			list[i].Took = millis(d.Milliseconds())
		}
	}
	return list
}

func reasonWords(r cron.Reason) string {
	if text, ok := map[cron.Reason]string{
		cron.ReasonMissed: "nothing could run the slot when it was due", cron.ReasonSuperseded: "missed, and a newer slot ran in its place",
		cron.ReasonOverlap: "an earlier run was still active", cron.ReasonQueueFull: "too many runs were waiting",
		cron.ReasonPaused: "the job was paused", cron.ReasonLate: "it did not start within its deadline",
		cron.ReasonReplaced: "replaced by the job's next run", cron.ReasonRequested: "its cancellation was requested",
		cron.ReasonShutdown: "the process was shut down", cron.ReasonCrash: "its process died or stopped sending heartbeats; the outcome is unknown",
		cron.ReasonRemoved: "its job is no longer registered", cron.ReasonElsewhere: "another replica took the slot",
	}[r]; ok {
		return text
	}
	return string(r)
}

// attemptsChart draws the attempts of a run over time, if there was more than one.
func attemptsChart(now time.Time, r cron.Record) template.HTML {
	if len(r.Attempts) < 2 {
		return ""
	}
	const wide, lane = 1000, 22
	begin, end := r.Attempts[0].StartedAt, now
	if r.EndedAt != nil {
		end = *r.EndedAt
	}
	all := max(float64(end.Sub(begin)), 1)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="chart attempts" viewBox="0 0 %d %d" role="img" aria-label="%s">`, wide, lane*len(r.Attempts), plural(len(r.Attempts), "attempt"))
	for i, a := range r.Attempts {
		stop, status := now, "running"
		if a.EndedAt != nil {
			stop, status = *a.EndedAt, "failed"
			if a.Error == "" {
				status = "succeeded"
			}
		}
		x := float64(a.StartedAt.Sub(begin)) / all * wide
		w := max(3, float64(stop.Sub(a.StartedAt))/all*wide)
		fmt.Fprintf(&b, `<line class="grid" x1="0" x2="%d" y1="%d" y2="%d"/><rect class="f-%s" x="%.1f" y="%d" width="%.1f" height="10" rx="2"><title>attempt %d: %s</title></rect>`,
			wide, i*lane+11, i*lane+11, status, min(x, wide-3), i*lane+6, w, a.Number, millis(stop.Sub(a.StartedAt).Milliseconds()))
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String()) //nolint:gosec // numbers, and words of this file
}

// Attr is an attribute of a log line.
type Attr struct{ Key, Value string }

// Attrs lists the attributes of a line in order.
func Attrs(raw json.RawMessage) (list []Attr) {
	var p properties
	if len(raw) == 0 || raw[0] != '{' {
		return nil
	}
	values := map[string]json.RawMessage{}
	if json.Unmarshal(raw, &p) != nil || json.Unmarshal(raw, &values) != nil {
		return nil
	}
	for _, one := range p {
		value := string(values[one.name])
		var text string
		if json.Unmarshal(values[one.name], &text) == nil && value != "null" {
			value = text
		}
		list = append(list, Attr{one.name, value})
	}
	return list
}
