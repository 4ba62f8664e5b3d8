package alert

import (
	"fmt"
	"slices"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

const (
	typicalRuns  = 100 // successful runs for a p95
	typicalFewer = 20  // minimum number of runs for a p95
	typicalFor   = 10 * time.Minute
	typicalLeast = time.Second // minimum limit by a factor
	typicalMost  = 200         // reads of one scan; the next one goes on
	typicalKept  = 10_000      // at most so many are cached

	// activeMost limits the number of active runs checked for being late or overdue.
	activeMost = 5000
	// startsEvery is how often ended runs that started late are searched. Waiting and active runs are checked in each
	// scan.
	startsEvery = 15 * time.Second
	// startsBack is how far back the first of these searches goes, and how long a job may have waited.
	startsBack = time.Hour
)

// active checks waiting and active runs, and schedules a scan for limits reached by time alone.
func (p *pass) active() error {
	recs, err := p.o.Store.Active(p.ctx, activeMost)
	if err != nil {
		return err
	}
	for i := range recs {
		policy, ok := p.policy(recs[i].Job)
		if !ok {
			continue
		}
		if err := p.late(&recs[i], policy); err != nil {
			return err
		}
		if err := p.overdue(&recs[i], policy); err != nil {
			return err
		}
	}
	return nil
}

// starts checks runs that started late, including those that have ended since the last scan.
func (p *pass) starts() error {
	if p.scanner.late == 0 {
		return nil
	}
	if next := p.started.Add(startsEvery); p.now.Before(next) {
		p.wait(next)
		return nil
	}
	since := p.now.Add(-startsBack)
	if !p.started.IsZero() {
		since = p.started.Add(-min(p.latest, startsBack) - 2*startsEvery)
	}
	recs, err := p.o.Store.StartedLate(p.ctx, since, p.scanner.late, activeMost)
	if err != nil {
		return err
	}
	for i := range recs {
		if policy, ok := p.policy(recs[i].Job); ok {
			if err := p.late(&recs[i], policy); err != nil {
				return err
			}
		}
	}
	p.started = p.now
	return nil
}

func (p *pass) late(rec *cron.Record, policy *cron.AlertPolicy) error {
	if policy.Late == 0 || rec.Slot == nil || rec.Trigger != cron.BySchedule && rec.Trigger != cron.ByCatchUp {
		return nil
	}
	at := rec.Slot.Add(policy.Late)
	switch {
	case rec.StartedAt != nil && !rec.StartedAt.After(at), p.now.Sub(*rec.Slot) > tooOld:
		return nil
	case rec.StartedAt != nil:
		return p.add(about(rec, cron.AlertLate, *rec.StartedAt, "started "+lasting(rec.StartedAt.Sub(*rec.Slot))+" after its slot"), true)
	case !p.now.After(at):
		p.wait(at.Add(time.Millisecond))
		return nil
	}
	return p.add(about(rec, cron.AlertLate, p.now, "has not started "+lasting(policy.Late)+" after its slot"), true)
}

func (p *pass) overdue(rec *cron.Record, policy *cron.AlertPolicy) error {
	if rec.Status != cron.Running || rec.StartedAt == nil {
		return nil
	}
	took, limit, detail := p.now.Sub(*rec.StartedAt), policy.Overdue, ""
	if limit > 0 {
		detail = fmt.Sprintf("has been running for longer than %s", lasting(limit))
	}
	switch {
	case policy.OverdueFactor > 0 && took <= typicalLeast:
		p.wait(rec.StartedAt.Add(typicalLeast + time.Millisecond))
	case policy.OverdueFactor > 0:
		p95, err := p.p95(rec)
		if err != nil {
			return err
		}
		usual := max(time.Duration(policy.OverdueFactor*float64(p95)), typicalLeast)
		if p95 > 0 && (limit == 0 || usual < limit) {
			limit = usual
			detail = fmt.Sprintf("has been running for longer than %s, which is %g times its usual %s (p95)", lasting(limit), policy.OverdueFactor, lasting(p95))
		}
	}
	switch {
	case limit == 0:
		return nil
	case took <= limit:
		p.wait(rec.StartedAt.Add(limit + time.Millisecond))
		return nil
	}
	return p.add(about(rec, cron.AlertOverdue, p.now, detail), false)
}

// p95 returns the p95 duration of the successful runs of the job or schedule, or 0 if there are too few.
func (p *pass) p95(rec *cron.Record) (time.Duration, error) {
	key := runKey(rec, cron.AlertOverdue)
	if t, known := p.typical[key]; known && p.now.Sub(t.at) < typicalFor {
		return t.p95, nil
	}
	if p.asked++; p.asked > typicalMost {
		p.wait(p.now.Add(rest))
		return 0, nil
	}
	if len(p.typical) > typicalKept {
		clear(p.typical)
	}
	recs, err := p.o.Store.Runs(p.ctx, contract.Query{
		Job: rec.Job, Schedule: rec.ScheduleID(), Unscheduled: rec.Schedule == nil, Statuses: []cron.Status{cron.Succeeded}, Limit: typicalRuns,
	})
	if err != nil {
		return 0, err
	}
	var took []int64
	for i := range recs {
		if recs[i].Duration != nil {
			took = append(took, *recs[i].Duration)
		}
	}
	t := typical{at: p.now}
	if n := len(took); n >= typicalFewer {
		slices.Sort(took)
		t.p95 = max(time.Duration(took[(n*95-1)/100])*time.Millisecond, time.Millisecond)
	}
	p.typical[key] = t
	return t.p95, nil
}
