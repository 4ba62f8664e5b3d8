package alert

import (
	"context"
	"time"

	"fibercrons/app/cron"
)

// again is how long late and missed alerts of a job are not repeated.
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
	p := &pass{scanner: l, ctx: ctx, now: now, overdueHere: ignoring, open: map[openKey]*Open{}}
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
		if o.Kind != cron.AlertFailed && p.now.Sub(o.RaisedAt) >= again {
			p.raise.Close = append(p.raise.Close, o.ID)
			continue
		}
		p.open[openKey{o.Job, o.Kind}] = o
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
