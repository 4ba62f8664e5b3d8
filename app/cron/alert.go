package cron

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// AlertKind is the subject of an alert.
type AlertKind string

// The kinds of alerts.
const (
	AlertFailed    AlertKind = "failed"    // a run failed after its last retry, or was interrupted; once until the job succeeds again
	AlertRecovered AlertKind = "recovered" // the job succeeded after an alert that it had failed
	AlertLate      AlertKind = "late"      // a run did not start in time after its slot
	AlertMissed    AlertKind = "missed"    // a slot was skipped because nothing could run it
	AlertOverdue   AlertKind = "overdue"   // a run takes too long
)

// AlertKinds are all kinds.
var AlertKinds = []AlertKind{AlertFailed, AlertRecovered, AlertLate, AlertMissed, AlertOverdue}

// AlertPolicy says which alerts a job has. The zero AlertPolicy has none.
type AlertPolicy struct {
	Failed        int // failures in a row before an alert; 0: no alert
	Recovered     bool
	Late          time.Duration // after the slot; 0: no alert
	Missed        bool
	Overdue       time.Duration // since the run's first start; 0: no fixed limit
	OverdueFactor float64       // times the job's p95; 0: no such limit

	ignoreUnheeding bool // NoAlerts also turned off alerts about runs that ignore the end of their context
}

// Unheeding reports whether an overdue alert is raised for a run that continues although its context has ended by
// timeout or cancellation. Such a run has not returned, so it cannot be recorded as failed.
func (p AlertPolicy) Unheeding() bool {
	return !p.ignoreUnheeding && (p.Failed > 0 || p.Overdue > 0 || p.OverdueFactor > 0)
}

// Alert changes ALERT_ON for this job. Kinds that no rule names keep their setting. Optional. Default: ALERT_ON.
func Alert(rules ...AlertRule) Option {
	return func(d *definition) {
		if len(rules) == 0 {
			d.mistake("Alert needs a rule, such as OnFailed(3) or NoAlerts()")
		}
		for i, rule := range rules {
			if rule == nil {
				d.mistake("alert rule %d is nil", i+1)
				continue
			}
			rule(d)
		}
	}
}

// AlertRule is a rule of [Alert].
type AlertRule func(*definition)

// alertRules are the rules as written.
type alertRules struct {
	said []string // the rules and kinds named, to find contradictions
	set  []func(*AlertPolicy)
}

func (d *definition) rule(what string, set func(*AlertPolicy)) {
	if slices.Contains(d.alerts.said, what) {
		d.mistake("two alert rules are about %s; keep one of them", what)
	}
	d.alerts.said = append(d.alerts.said, what)
	d.alerts.set = append(d.alerts.set, set)
}

// OnFailed alerts when n runs in a row have failed after their last retry, and not again until one has succeeded.
func OnFailed(n int) AlertRule {
	return func(d *definition) {
		if n < 1 || n > 100 {
			d.mistake("an alert after %d failures is out of range 1-100; NoAlerts(AlertFailed) is none", n)
		}
		d.rule("failed", func(p *AlertPolicy) { p.Failed = n })
	}
}

// OnLate alerts when a run has not started within this time after its slot.
func OnLate(after time.Duration) AlertRule {
	return func(d *definition) {
		if after <= 0 || after > 24*time.Hour {
			d.mistake("an alert %s after the slot is out of range, which is above 0 up to 24h", after)
		}
		d.rule("late", func(p *AlertPolicy) { p.Late = after })
	}
}

// OnMissed alerts when slots were skipped because nothing could run them: no process was up, the machine slept, or the
// database was away.
func OnMissed() AlertRule {
	return func(d *definition) { d.rule("missed", func(p *AlertPolicy) { p.Missed = true }) }
}

// OnOverdue alerts when a run takes longer than limit, its retries included.
func OnOverdue(limit time.Duration) AlertRule {
	return func(d *definition) {
		if limit <= 0 {
			d.mistake("an overdue limit of %s would alert about every run; give a limit above 0", limit)
		}
		d.rule("overdue", func(p *AlertPolicy) { p.Overdue = limit })
	}
}

// OverdueFactor alerts when a run takes longer than k times the p95 duration of the last 100 successful runs. It needs
// 20 such runs, and the limit is at least one second.
func OverdueFactor(k float64) AlertRule {
	return func(d *definition) {
		if !(k > 1 && k <= 1000) {
			d.mistake("an overdue factor of %g is out of range, which is above 1 up to 1000", k)
		}
		d.rule("the overdue factor", func(p *AlertPolicy) { p.OverdueFactor = k })
	}
}

// OnRecovered alerts when the job succeeds after an alert about its failure.
func OnRecovered() AlertRule {
	return func(d *definition) { d.rule("recovered", func(p *AlertPolicy) { p.Recovered = true }) }
}

// NoAlerts turns these kinds off, or without a kind all. A run that ignores its timeout or cancellation raises an
// overdue alert if failures do, unless AlertOverdue is turned off here.
func NoAlerts(kinds ...AlertKind) AlertRule {
	return func(d *definition) {
		if len(kinds) == 0 {
			d.rule("everything", func(p *AlertPolicy) { *p = AlertPolicy{} })
			return
		}
		for _, kind := range kinds {
			if !slices.Contains(AlertKinds, kind) {
				d.mistake("alerts of the kind %q are unknown; use AlertFailed, AlertRecovered, AlertLate, AlertMissed or AlertOverdue", kind)
				continue
			}
			d.rule(string(kind), func(p *AlertPolicy) { p.clear(kind) })
			if kind == AlertOverdue {
				d.rule("the overdue factor", func(*AlertPolicy) {})
			}
		}
	}
}

func (p *AlertPolicy) clear(kind AlertKind) {
	switch kind {
	case AlertFailed:
		p.Failed, p.Recovered = 0, false
	case AlertRecovered:
		p.Recovered = false
	case AlertLate:
		p.Late = 0
	case AlertMissed:
		p.Missed = false
	case AlertOverdue:
		p.Overdue, p.OverdueFactor, p.ignoreUnheeding = 0, 0, true
	}
}

// over returns p with the job's rules applied, and reports contradictions.
func (r *alertRules) over(p AlertPolicy, keepRuns int, say func(string, ...any)) AlertPolicy {
	if slices.Contains(r.said, "everything") && len(r.said) > 1 {
		say("NoAlerts() contradicts the other alert rules; keep one or the other")
	}
	if slices.Contains(r.said, "overdue") && !slices.Contains(r.said, "the overdue factor") {
		p.OverdueFactor = 0
	}
	if slices.Contains(r.said, "the overdue factor") && !slices.Contains(r.said, "overdue") {
		p.Overdue = 0
	}
	for _, set := range r.set {
		set(&p)
	}
	if p.Recovered && p.Failed == 0 {
		if slices.Contains(r.said, "recovered") {
			say("an alert about recovery needs one about failure: add OnFailed(1)")
		}
		p.Recovered = false
	}
	if keepRuns > 0 && p.Failed > keepRuns {
		say("an alert after %d failures needs a history of as many runs; Keep holds %d", p.Failed, keepRuns)
	}
	return p
}

// Lines describe the policy in words; empty if there are no alerts.
func (p AlertPolicy) Lines() []string {
	lines := []string{}
	switch {
	case p.Failed == 1:
		lines = append(lines, "failed")
	case p.Failed > 1:
		lines = append(lines, "failed "+strconv.Itoa(p.Failed)+" times in a row")
	}
	if p.Recovered {
		lines = append(lines, "recovered")
	}
	if p.Late > 0 {
		lines = append(lines, "not started "+shortDuration(p.Late)+" after its slot")
	}
	if p.Missed {
		lines = append(lines, "missed")
	}
	var longer []string
	if p.Overdue > 0 {
		longer = append(longer, shortDuration(p.Overdue))
	}
	if p.OverdueFactor > 0 {
		longer = append(longer, fmt.Sprintf("%g times its p95", p.OverdueFactor))
	}
	if len(longer) > 0 {
		lines = append(lines, "running longer than "+strings.Join(longer, " or "))
	}
	return lines
}

// shortDuration omits zero units at the end: 1h, not 1h0m0s.
func shortDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
