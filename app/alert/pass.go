package alert

import (
	"context"
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
	quiet          []Silence
	silencesLoaded bool // quiet is loaded
	raise          Raise
	due            time.Time
}

// openKey identifies an open alert.
type openKey struct {
	job  string
	kind cron.AlertKind
}

// flush commits the results so far.
func (p *pass) flush() error {
	r := p.raise
	if len(r.Close)+len(r.Alerts)+len(r.Looked) == 0 {
		return nil
	}
	if err := p.o.Store.Raise(p.ctx, r); err != nil {
		return err
	}
	for _, a := range r.Alerts {
		p.raised[a.Dedup] = true
		p.o.Log.Info("alert", "job", a.Job, "kind", string(a.Kind), "status", string(a.Status), "run", a.Run, "detail", a.Detail)
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
	if opens && p.open[openKey{a.Job, a.Kind}] != nil {
		return nil
	}
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
	if opens {
		p.open[openKey{a.Job, a.Kind}] = &Open{Alert: a}
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
	delete(p.open, openKey{o.Job, o.Kind})
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
