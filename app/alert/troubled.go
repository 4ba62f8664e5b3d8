package alert

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/texts"
)

const (
	// troubledPage is the number of runs with problems per commit.
	troubledPage = 1000
	// others is how long runs of jobs unknown to this process are left to other processes.
	others = time.Hour
)

// troubled handles all unmarked runs with problems, in the order of their ends.
func (p *pass) troubled() error {
	var since time.Time
	for {
		recs, err := p.o.Store.Troubled(p.ctx, since, troubledPage)
		if err != nil {
			return err
		}
		missed := map[openKey]*Alert{}
		for i := range recs {
			if err := p.trouble(&recs[i], missed); err != nil {
				return err
			}
		}
		for _, a := range missed {
			p.marking = a.Run
			if a.Number > 1 {
				a.Detail = fmt.Sprintf("%d slots were missed, the first at %s", a.Number, texts.Instant(*a.Slot))
			}
			if err := p.add(*a, true); err != nil {
				return err
			}
		}
		p.marking = ""
		left := len(recs) - len(p.raise.Looked) // left to processes that know their jobs
		if len(recs) < troubledPage {
			return nil
		}
		if err := p.flush(); err != nil {
			return err
		}
		since = *recs[len(recs)-1].EndedAt
		if left == len(recs) {
			since = since.Add(time.Millisecond) // no run was marked: go on
		}
	}
}

func (p *pass) trouble(rec *cron.Record, missed map[openKey]*Alert) error {
	age := p.now.Sub(*rec.EndedAt)
	if p.jobs[rec.Job] == nil && age < others {
		return nil
	}
	p.raise.Looked = append(p.raise.Looked, rec.ID)
	p.marking = rec.ID
	policy, ok := p.policy(rec.Job)
	if !ok || age > tooOld {
		return nil
	}
	switch {
	case rec.Status != cron.Skipped:
		return p.failure(rec, policy)
	case rec.Reason == cron.ReasonLate:
		if policy.Late > 0 && rec.Slot != nil {
			return p.add(about(rec, cron.AlertLate, *rec.EndedAt, "was skipped: "+rec.Error), true)
		}
	case policy.Missed:
		if a := missed[runKey(rec, cron.AlertMissed)]; a != nil {
			a.Number++
			if rec.Slot != nil && rec.Slot.Before(*a.Slot) {
				a.Slot = rec.Slot
			}
			return nil
		}
		a := about(rec, cron.AlertMissed, *rec.EndedAt, "a slot was missed")
		if a.Number = 1; a.Slot == nil {
			a.Slot = rec.EndedAt
		}
		if rec.Error != "" {
			a.Detail = rec.Error
		}
		missed[keyOf(&a)] = &a
	}
	return nil
}

// failure handles a failed or interrupted run. The n-th of consecutive failures raises an alert; further ones raise
// none until a success has closed it.
func (p *pass) failure(rec *cron.Record, policy *cron.AlertPolicy) error {
	if policy.Failed == 0 {
		return nil
	}
	if o := p.open[runKey(rec, cron.AlertFailed)]; o != nil {
		at, err := p.succeededBetween(o, rec)
		if err != nil {
			return err
		}
		if at.IsZero() {
			silence, err := p.silence(rec.Job)
			if err != nil || o.Status != Silenced || silence != "" {
				return err
			}
			p.close(o) // its alert was silenced; raise it now
		} else if err := p.recover(o, at); err != nil {
			return err
		}
	}
	if rec.Schedule != nil && p.settled(rec.Job, cron.AlertFailed) {
		return nil
	}
	row, err := p.inARow(rec, policy.Failed)
	if err != nil || row < policy.Failed {
		return err
	}
	detail := "failed"
	switch {
	case rec.Status == cron.Interrupted:
		detail = "was interrupted"
	case policy.Failed > 1:
		detail = fmt.Sprintf("failed %d times in a row", policy.Failed)
	case rec.Attempt > 1:
		detail = fmt.Sprintf("failed after %d attempts", rec.Attempt)
	}
	a := about(rec, cron.AlertFailed, *rec.EndedAt, detail)
	a.Number = policy.Failed
	return p.add(a, true)
}

var finished = []cron.Status{cron.Succeeded, cron.Failed, cron.Interrupted}

// before returns the newest n runs before this one that count, of its stored schedule, or of the job without schedules.
func (p *pass) before(rec *cron.Record, n int) ([]cron.Record, error) {
	return p.o.Store.Runs(p.ctx, contract.Query{
		Job: rec.Job, Schedule: rec.ScheduleID(), Unscheduled: rec.Schedule == nil, Statuses: finished, Before: rec.ID, Limit: n,
	})
}

// succeededBetween returns when the job or schedule succeeded after the alert and before the run's end, or zero.
func (p *pass) succeededBetween(o *Open, rec *cron.Record) (time.Time, error) {
	if o.LastSuccess.After(o.At) && !o.LastSuccess.After(*rec.EndedAt) {
		return o.LastSuccess, nil
	}
	if !o.RaisedAt.IsZero() && !o.LastSuccess.After(o.At) {
		return time.Time{}, nil
	}
	// The alert was raised in this scan, or there is a success after both.
	before, err := p.before(rec, 1)
	if err != nil || len(before) == 0 || before[0].Status != cron.Succeeded || !before[0].EndedAt.After(o.At) {
		return time.Time{}, err
	}
	return *before[0].EndedAt, nil
}

// inARow counts consecutive failures up to this run, at most n.
func (p *pass) inARow(rec *cron.Record, n int) (int, error) {
	if n == 1 {
		return 1, nil
	}
	before, err := p.before(rec, n-1)
	if err != nil {
		return 0, err
	}
	row := 1
	for i := range before {
		if before[i].Status == cron.Succeeded {
			break
		}
		row++
	}
	return row, nil
}

// recoveries closes the alerts of jobs and schedules that have succeeded since.
func (p *pass) recoveries() error {
	var over []*Open
	for at, o := range p.open {
		if at.kind == cron.AlertFailed && !at.others && o.LastSuccess.After(o.At) {
			over = append(over, o)
		}
	}
	// Every process has the same order, and so raises the same alerts of many.
	slices.SortFunc(over, func(a, b *Open) int { return cmp.Or(a.LastSuccess.Compare(b.LastSuccess), cmp.Compare(a.ID, b.ID)) })
	for _, o := range over {
		if err := p.recover(o, o.LastSuccess); err != nil {
			return err
		}
	}
	return nil
}

// recover closes the alert of a job or schedule that has succeeded, and raises the alert about it.
func (p *pass) recover(o *Open, at time.Time) error {
	policy, ok := p.policy(o.Job)
	if !ok && p.jobs[o.Job] == nil {
		return nil // left to processes that know the job
	}
	p.close(o)
	if !ok || !policy.Recovered {
		return nil
	}
	a := Alert{
		Job: o.Job, Schedule: o.Schedule, Kind: cron.AlertRecovered, At: at, Dedup: "recovered:" + o.ID,
		Detail: "succeeded again, " + lasting(at.Sub(o.At)) + " after the failure alert",
	}
	if o.Status == Silenced {
		a.Status, a.Silence = Silenced, o.Silence
	}
	return p.add(a, false)
}
