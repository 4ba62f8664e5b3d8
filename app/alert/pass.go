package alert

import (
	"context"
	"log/slog"
	"time"

	"fibercrons/app/cron"
)

// tooOld is the age above which problems raise no alert.
const tooOld = 24 * time.Hour

// pass is one scan.
type pass struct {
	*scanner
	ctx            context.Context
	now            time.Time
	overdueHere    []Alert // runs of this process that ignore their context
	open           map[openKey]*Open
	number         map[openKey]int // alerts for schedules of a job: those of this scan, and open ones of the last hour
	marking        string          // the run that is being checked, which is marked with the alert
	quiet          []Silence
	silencesLoaded bool // quiet is loaded
	raise          Raise
	due            time.Time
	asked          int // reads of typical durations
}

// openKey identifies an open alert.
type openKey struct {
	job, schedule string
	others        bool // see [Alert].Others
	kind          cron.AlertKind
}

func keyOf(a *Alert) openKey { return openKey{a.Job, a.Schedule, a.Others > 0, a.Kind} }

// runKey is the key of an alert about a run.
func runKey(rec *cron.Record, kind cron.AlertKind) openKey {
	return openKey{job: rec.Job, schedule: rec.ScheduleID(), kind: kind}
}

// ofOthers is the key of the alert that stands for further schedules.
func ofOthers(job string, kind cron.AlertKind) openKey {
	return openKey{job: job, others: true, kind: kind}
}

// flush commits the results so far.
func (p *pass) flush() error {
	r := p.raise
	if len(r.Close)+len(r.Alerts)+len(r.Looked)+len(r.Further) == 0 {
		return nil
	}
	if err := p.o.Store.Raise(p.ctx, r); err != nil {
		return err
	}
	for i := range r.Alerts {
		a := &r.Alerts[i]
		if key := keyOf(a); a.Others > 0 && !a.Open { // the rest of the scan needs another
			delete(p.open, key)
			delete(p.counted, key)
		}
		p.raised[a.Dedup] = true
		attrs := []slog.Attr{slog.String("job", a.Job), slog.String("kind", string(a.Kind)), slog.String("status", string(a.Status)), slog.String("run", a.Run), slog.String("detail", a.Detail)}
		if a.Schedule != "" {
			attrs = append(attrs, slog.String("schedule", a.Schedule))
		}
		p.o.Log.LogAttrs(p.ctx, slog.LevelInfo, "alert", attrs...)
	}
	p.raise, p.waiting = Raise{}, true
	return nil
}

// policy returns the policy of a job, or false if this process raises no alerts for it.
func (p *pass) policy(job string) (*cron.AlertPolicy, bool) {
	j := p.jobs[job]
	if j == nil || j.Disabled != "" {
		return nil, false
	}
	return &j.Policies.Alerts, true
}

// add raises an alert. With opens, the alert stays open until it is closed.
func (p *pass) add(a Alert, opens bool) error {
	if p.raised[a.Dedup] {
		return nil
	}
	if opens && p.open[keyOf(&a)] != nil {
		return nil
	}
	if a.Schedule != "" {
		if p.crowded(a.Job, a.Kind) {
			return p.further(a)
		}
		p.number[openKey{job: a.Job, kind: a.Kind}]++
	}
	return p.put(a, opens)
}

func (p *pass) put(a Alert, opens bool) error {
	a.ID, a.Open = newID(), opens
	if a.Status == "" {
		a.Status = Pending
		silence, err := p.silence(a.Job)
		if err != nil {
			return err
		}
		if silence != "" {
			a.Status, a.Silence = Silenced, silence
		}
	}
	p.raise.Alerts = append(p.raise.Alerts, a)
	if opens || a.Others > 0 {
		p.open[keyOf(&a)] = &Open{Alert: a}
	}
	return nil
}

// silence returns the ID of a silence that covers the job, or "".
func (p *pass) silence(job string) (string, error) {
	if !p.silencesLoaded {
		list, err := p.o.Store.Silences(p.ctx, false)
		if err != nil {
			return "", err
		}
		p.quiet, p.silencesLoaded = list, true
	}
	for _, s := range p.quiet {
		if s.Covers(job, p.now) {
			return s.ID, nil
		}
	}
	return "", nil
}

// close closes an open alert, stored or about to be raised.
func (p *pass) close(o *Open) {
	delete(p.open, keyOf(&o.Alert))
	for i := range p.raise.Alerts {
		if p.raise.Alerts[i].ID == o.ID {
			p.raise.Alerts[i].Open = false
			return
		}
	}
	p.raise.Close = append(p.raise.Close, o.ID)
}

// wait schedules a scan for a limit that is reached by time alone.
func (p *pass) wait(at time.Time) {
	if p.due.IsZero() || at.Before(p.due) {
		p.due = at
	}
}
