package cron

import (
	"slices"
	"time"
)

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
