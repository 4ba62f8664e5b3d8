package alert

import (
	"context"
	"time"

	"fibercrons/app/cron"
)

// again is how long late and missed alerts of a job or schedule are not repeated.
const again = time.Hour

// scan raises alerts, and reports whether anything had changed.
func (l *scanner) scan(ctx context.Context) (changed bool, err error) {
	stamp, err := l.o.Store.Stamp(ctx)
	if err != nil {
		return false, err
	}
	now := time.Now()
	ignoring, fresh := l.ignoring.take()
	if !fresh && l.seen && stamp == l.stamp && (l.due.IsZero() || now.Before(l.due)) {
		return false, nil
	}
	p := &pass{scanner: l, ctx: ctx, now: now, overdueHere: ignoring, open: map[openKey]*Open{}, number: map[openKey]int{}}
	if err := p.run(); err != nil {
		l.seen = false // repeat the scan even without a change
		return false, err
	}
	l.seen, l.stamp, l.due = true, stamp, p.due
	if len(l.raised) > 10_000 {
		clear(l.raised)
	}
	return true, nil
}

func (p *pass) run() error {
	open, err := p.o.Store.OpenAlerts(p.ctx)
	if err != nil {
		return err
	}
	for i := range open {
		o := &open[i]
		old := p.now.Sub(o.RaisedAt) >= again
		if o.Gone || old && (o.Kind != cron.AlertFailed || o.Others > 0 || o.Ended) {
			p.raise.Close = append(p.raise.Close, o.ID)
			continue
		}
		if p.open[keyOf(&o.Alert)] = o; o.Schedule != "" && !old {
			p.number[openKey{job: o.Job, kind: o.Kind}]++
		}
	}
	for key := range p.counted {
		if o := p.open[key]; o == nil || o.Message != "" {
			delete(p.counted, key)
		}
	}
	if err := p.troubled(); err != nil {
		return err
	}
	if err := p.recoveries(); err != nil {
		return err
	}
	for _, a := range p.overdueHere {
		if policy, ok := p.policy(a.Job); ok && policy.Unheeding() {
			if err := p.add(a, false); err != nil {
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
