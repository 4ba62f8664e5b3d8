package alert

import (
	"context"
	"time"

	"fibercrons/app/cron"
)

// scanner finds what to alert about. Its memory only saves work.
type scanner struct {
	o        *Options
	jobs     map[string]*cron.Job
	ignoring *ignoringRuns
	timed    bool          // some job has late or overdue alerts
	late     time.Duration // the shortest and the
	latest   time.Duration // longest of all jobs; 0: none
	seen     bool
	stamp    int64
	due      time.Time // when a limit is reached by time alone; zero: never
	started  time.Time // last search for runs that started late
	typical  map[string]typical
	raised   map[string]bool // Dedup of alerts known to be in the store
	waiting  bool            // alerts are to be gathered
}

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

// typical is the usual duration of a job, cached for some time.
type typical struct {
	p95 time.Duration // 0: too few runs
	at  time.Time
}

const (
	// troubledPage is the number of runs with problems per commit.
	troubledPage = 1000
	// activeMost limits the number of active runs checked for being late or overdue.
	activeMost = 5000
	// tooOld is the age above which problems raise no alert.
	tooOld = 24 * time.Hour
	// others is how long runs of jobs unknown to this process are left to other processes.
	others = time.Hour
	// again is how long late and missed alerts of a job are not repeated.
	again = time.Hour
	// startsEvery is how often ended runs that started late are searched. Waiting and active runs are checked in each
	// scan.
	startsEvery = 15 * time.Second
	// startsBack is how far back the first of these searches goes, and how long a job may have waited.
	startsBack = time.Hour
)
