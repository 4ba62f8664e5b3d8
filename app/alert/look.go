package alert

import (
	"context"
	"time"

	"fibercrons/app/cron"
)

const (
	// troubledPage is how many runs that went wrong are looked at in one commit.
	troubledPage = 1000
	// activeMost bounds how many active runs are looked at for being late or overdue.
	activeMost = 5000
	// tooOld is what nobody is told about any more.
	tooOld = 24 * time.Hour
	// others is how long a run of a job that this process does not know is left to those who do.
	others = time.Hour
	// again is how long after an alert that a job is late, or missed slots, the same is not said.
	again = time.Hour
	// startsEvery is how often runs that started late and have ended are looked for. Those that
	// still wait or run are seen at each look.
	startsEvery = 15 * time.Second
	// startsBack is how far back the first of these looks goes, and how long a job may have waited.
	startsBack = time.Hour
)

// looker finds out what is to be told. What it keeps in memory only spares it work.
type looker struct {
	a       *Alerter
	timed   bool          // some job is told of as late or overdue
	late    time.Duration // the shortest and the
	latest  time.Duration // longest of all jobs; 0: none
	seen    bool
	stamp   int64
	due     time.Time // when time alone makes something late or overdue; zero: never
	started time.Time // of the last look for runs that started late
	typical map[string]typical
	told    map[string]bool // Dedup of alerts known to be in the store
	waiting bool            // alerts wait to be gathered
}

func (l *looker) init(a *Alerter) {
	l.a, l.typical, l.told = a, map[string]typical{}, map[string]bool{}
	for _, j := range a.o.Jobs {
		p := &j.Policies.Alerts
		if j.Disabled != "" {
			continue
		}
		l.timed = l.timed || p.Late > 0 || p.Overdue > 0 || p.OverdueFactor > 0
		if p.Late > 0 {
			l.latest = max(l.latest, p.Late)
			if l.late == 0 || p.Late < l.late {
				l.late = p.Late
			}
		}
	}
}

// look raises what is to be told, and says whether anything had changed.
func (l *looker) look(ctx context.Context) (changed bool, err error) {
	stamp, err := l.a.store.Stamp(ctx)
	if err != nil {
		return false, err
	}
	now := time.Now()
	deaf, fresh := l.a.unheeding()
	if !fresh && l.seen && stamp == l.stamp && (l.due.IsZero() || now.Before(l.due)) {
		return false, nil
	}
	p := &pass{looker: l, ctx: ctx, now: now, deaf: deaf, open: map[place]*Open{}}
	if err := p.run(); err != nil {
		l.seen = false // whatever has changed, or not
		return false, err
	}
	l.seen, l.stamp, l.due = true, stamp, p.due
	if len(l.told) > 10_000 {
		clear(l.told)
	}
	return true, nil
}

// pass is one look.
type pass struct {
	*looker
	ctx   context.Context
	now   time.Time
	deaf  []Alert // runs that do not look at their context
	open  map[place]*Open
	quiet []Silence
	asked bool // for the silences
	raise Raise
	due   time.Time
}

// place is what an alert is open for.
type place struct {
	job  string
	kind cron.AlertKind
}

func (p *pass) run() error {
	open, err := p.a.store.OpenAlerts(p.ctx)
	if err != nil {
		return err
	}
	for i := range open {
		o := &open[i]
		if o.Kind != cron.AlertFailed && p.now.Sub(o.RaisedAt) >= again {
			p.raise.Close = append(p.raise.Close, o.ID)
			continue
		}
		p.open[place{o.Job, o.Kind}] = o
	}
	if err := p.troubled(); err != nil {
		return err
	}
	if err := p.recoveries(); err != nil {
		return err
	}
	for _, a := range p.deaf {
		if policy, ok := p.policy(a.Job); ok && policy.Unheeding() {
			if err := p.tell(a, false); err != nil {
				return err
			}
		}
	}
	if p.timed {
		if err := p.active(); err != nil {
			return err
		}
		if err := p.starts(); err != nil {
			return err
		}
	}
	return p.flush()
}

// flush commits what was found so far.
func (p *pass) flush() error {
	r := p.raise
	if len(r.Close)+len(r.Alerts)+len(r.Looked) == 0 {
		return nil
	}
	if err := p.a.store.Raise(p.ctx, r); err != nil {
		return err
	}
	for _, a := range r.Alerts {
		p.told[a.Dedup] = true
		p.a.log.Info("alert", "job", a.Job, "kind", string(a.Kind), "status", string(a.Status), "run", a.Run, "detail", a.Detail)
	}
	p.raise, p.waiting = Raise{}, true
	return nil
}

// policy of a job that is told about; false: none is, here.
func (p *pass) policy(job string) (*cron.AlertPolicy, bool) {
	j := p.a.jobs[job]
	if j == nil || j.Disabled != "" {
		return nil, false
	}
	return &j.Policies.Alerts, true
}

// tell raises an alert of a kind that is open until it is closed, or of one that is not.
func (p *pass) tell(a Alert, opens bool) error {
	if p.told[a.Dedup] {
		return nil
	}
	if opens && p.open[place{a.Job, a.Kind}] != nil {
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
		p.open[place{a.Job, a.Kind}] = &Open{Alert: a}
	}
	return nil
}

// silence is the ID of a silence that covers the job.
func (p *pass) silence(job string) (string, error) {
	if !p.asked {
		list, err := p.a.store.Silences(p.ctx, false)
		if err != nil {
			return "", err
		}
		p.quiet, p.asked = list, true
	}
	for _, s := range p.quiet {
		if s.Covers(job, p.now) {
			return s.ID, nil
		}
	}
	return "", nil
}

// close ends what is open, in the store or among what is about to be raised.
func (p *pass) close(o *Open) {
	delete(p.open, place{o.Job, o.Kind})
	for i := range p.raise.Alerts {
		if p.raise.Alerts[i].ID == o.ID {
			p.raise.Alerts[i].Open = false
			return
		}
	}
	p.raise.Close = append(p.raise.Close, o.ID)
}

// wait notes when time alone makes something worth telling.
func (p *pass) wait(at time.Time) {
	if p.due.IsZero() || at.Before(p.due) {
		p.due = at
	}
}
