package feed

import (
	"context"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/ops"
)

// maxNewRuns is how many new runs one poll reads. If there are more, the stream says that events were missed.
const maxNewRuns = 5000

// snapshot is the last known state of runs and jobs. A failed poll does not change it, so the next poll finds
// everything.
type snapshot struct {
	crons    ops.Crons
	stamp    int64
	newest   contract.Position
	runs     map[string]contract.RunSummary // the active ones
	soon     []string                       // deferred runs that may start
	due      time.Time                      // when further deferred runs are to be watched; zero: never
	jobs     []contract.JobSetting
	reported map[string]reported // as last reported
}

// reported is the setting of a job as last reported.
type reported struct {
	paused bool
	contract.JobSetting
}

// begin reads the current state without changes.
func (p *snapshot) begin(ctx context.Context) (err error) {
	if p.stamp, err = p.crons.Store().Stamp(ctx); err != nil {
		return err
	}
	g, err := p.crons.Store().Summarize(ctx, contract.Position{Number: math.MaxInt64, Audit: math.MaxInt64}, 0)
	if err != nil {
		return err
	}
	p.take(g)
	now := time.Now()
	p.reported = make(map[string]reported, len(g.Jobs))
	for _, w := range g.Jobs {
		p.reported[w.Job] = reported{w.PausedNow(now), w}
	}
	return nil
}

func (p *snapshot) take(g contract.Summary) {
	p.newest, p.jobs, p.soon, p.due = g.Newest, g.Jobs, g.Soon, time.Time{}
	if !g.NextDue.IsZero() {
		p.due = g.NextDue.Add(-contract.SoonDue)
	}
	p.runs = make(map[string]contract.RunSummary, len(g.Runs))
	for _, r := range g.Runs {
		if !r.Status.Ended() && !r.Deferred {
			p.runs[r.ID] = r
		}
	}
}

// poll returns the changes since the last poll.
func (p *snapshot) poll(ctx context.Context) ([]Change, error) {
	now := time.Now()
	stamp, err := p.crons.Store().Stamp(ctx)
	if err != nil {
		return nil, err
	}
	next, steps, audited := *p, []step(nil), []contract.PauseChange(nil)
	if stamp != p.stamp || !p.due.IsZero() && now.After(p.due) {
		g, err := p.crons.Store().Summarize(ctx, p.newest, maxNewRuns)
		if err != nil {
			return nil, err
		}
		next.stamp, audited = stamp, g.Told
		next.take(g)
		if steps, err = p.compare(ctx, g, &next, now); err != nil {
			return nil, err
		}
	}
	more, err := next.jobSteps(ctx, audited, now)
	if err != nil {
		return nil, err
	}
	*p = next
	steps = append(steps, more...)
	slices.SortStableFunc(steps, func(a, b step) int { return a.at.Compare(b.at) })
	changes := make([]Change, len(steps))
	for i, st := range steps {
		changes[i] = st.Change
	}
	return changes, nil
}

// step is a change and its time.
type step struct {
	at time.Time
	Change
}

// compare reads the changed runs and returns their changes.
func (p *snapshot) compare(ctx context.Context, g contract.Summary, next *snapshot, now time.Time) (steps []step, err error) {
	var ids []string
	here := make(map[string]bool, len(g.Runs))
	for _, r := range g.Runs {
		here[r.ID] = true
		if p.runs[r.ID] != r {
			ids = append(ids, r.ID)
		}
	}
	for _, id := range g.Soon {
		here[id] = true
	}
	for _, id := range p.soon {
		if !here[id] { // it has started and ended
			here[id] = true
			ids = append(ids, id)
		}
	}
	for id := range p.runs {
		if !here[id] {
			ids = append(ids, id)
		}
	}
	recs, err := p.read(ctx, ids)
	if err != nil {
		return nil, err
	}
	cancelled, err := p.cancelled(ctx, g.Cancelled, here)
	if err != nil {
		return nil, err
	}
	for i := range cancelled {
		steps = append(steps, stepsOf(contract.RunSummary{}, &cancelled[i], now)...)
	}
	if g.Missed || len(recs) < len(ids) { // or pruned before they were read
		steps = append(steps, step{now, missed("")})
	}
	for i := range recs {
		rec := &recs[i]
		// The record may be newer than the summary.
		if summary := next.runs[rec.ID]; rec.Status.Ended() || rec.Deferred {
			delete(next.runs, rec.ID)
		} else {
			summary.ID, summary.Status, summary.Attempt, summary.Cancelled = rec.ID, rec.Status, rec.Attempt, rec.Cancel != nil
			next.runs[rec.ID] = summary
		}
		p.crons.Overlay(rec, now)
		steps = append(steps, stepsOf(p.runs[rec.ID], rec, now)...)
	}
	return steps, nil
}

// cancelled returns the runs that were cancelled while they were deferred. Others are seen without that.
func (p *snapshot) cancelled(ctx context.Context, ids []string, here map[string]bool) ([]cron.Record, error) {
	ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
		_, active := p.runs[id]
		return active || here[id]
	})
	recs, err := p.read(ctx, ids)
	return slices.DeleteFunc(recs, func(rec cron.Record) bool {
		return rec.Status != cron.Cancelled || rec.StartedAt != nil || rec.Instance != ""
	}), err
}

// read returns the records in order of insertion.
func (p *snapshot) read(ctx context.Context, ids []string) (recs []cron.Record, err error) {
	for some := range slices.Chunk(ids, 500) {
		list, err := p.crons.Store().Runs(ctx, contract.Query{IDs: some, Limit: len(some)})
		if err != nil {
			return nil, err
		}
		slices.Reverse(list)
		recs = append(recs, list...)
	}
	return recs, nil
}

// stepsOf returns what happened to a run since was, the zero RunSummary for a new run.
func stepsOf(was contract.RunSummary, rec *cron.Record, now time.Time) (steps []step) {
	add := func(kind contract.EventKind, at time.Time, r cron.Record) {
		if n := len(steps); n > 0 && at.Before(steps[n-1].at) {
			at = steps[n-1].at // clocks of processes differ
		}
		data, err := json.Marshal(r)
		if err != nil { // the row was edited by hand
			return
		}
		steps = append(steps, step{at, Change{Kind: kind, Job: r.Job, Data: data}})
	}
	for n := was.Attempt + 1; n <= rec.Attempt; n++ {
		began := recordAt(*rec, n)
		at := now
		if len(began.Attempts) > 0 && began.Attempts[len(began.Attempts)-1].Number == n {
			at = began.Attempts[len(began.Attempts)-1].StartedAt
		} else if n == 1 && rec.StartedAt != nil {
			at = *rec.StartedAt
		}
		add(contract.RunStarted, at, began)
	}
	started := rec.Attempt > was.Attempt
	switch {
	case rec.Status == cron.Queued && (was.Status != cron.Queued || started):
		at := rec.QueuedAt
		if rec.Attempt > 0 {
			at = now
		}
		add(contract.RunQueued, at, *rec)
	case rec.Status.Ended():
		at := now
		if rec.EndedAt != nil {
			at = *rec.EndedAt
		}
		add(contract.RunEnded, at, *rec)
	case rec.Status == cron.Running && !started, rec.Status == cron.Queued:
		add(contract.RunProgress, now, *rec)
	}
	return steps
}

// recordAt returns the record as it was at the start of attempt n.
func recordAt(rec cron.Record, n int) cron.Record {
	var attempts []cron.Attempt
	for _, a := range rec.Attempts {
		if a.Number <= n {
			attempts = append(attempts, a)
		}
	}
	if k := len(attempts); k > 0 && attempts[k-1].Number == n {
		attempts[k-1].EndedAt, attempts[k-1].Error = nil, ""
	}
	if rec.Status == cron.Running && rec.Attempt == n {
		rec.Attempts = attempts
		return rec
	}
	rec.Status, rec.Attempt, rec.Attempts = cron.Running, n, attempts
	rec.Reason, rec.Error, rec.Stack, rec.Result, rec.Progress = "", "", "", nil, nil
	rec.NextAt, rec.EndedAt, rec.Duration, rec.Cancel, rec.Overdue = nil, nil, nil, nil, false
	return rec
}

// jobSteps returns which jobs were paused, resumed or rescheduled. A pause may also have expired, or have begun and
// ended between two polls; the latter is in audited.
func (p *snapshot) jobSteps(ctx context.Context, audited []contract.PauseChange, now time.Time) (steps []step, err error) {
	kinds := make(map[string][]contract.EventKind)
	paused := make(map[string]bool) // as reported so far
	for job, was := range p.reported {
		paused[job] = was.paused
	}
	report := func(job string, pause bool) {
		if paused[job] = pause; pause {
			kinds[job] = append(kinds[job], contract.JobWasPaused)
		} else {
			kinds[job] = append(kinds[job], contract.JobWasResumed)
		}
	}
	for _, t := range audited {
		if paused[t.Job] != t.Paused {
			report(t.Job, t.Paused)
		}
	}
	current := make(map[string]reported, len(p.jobs))
	for _, w := range p.jobs {
		was, is := p.reported[w.Job], reported{w.PausedNow(now), w}
		current[w.Job] = is
		again := is.paused && was.paused && !was.PausedAt.Equal(w.PausedAt) && len(kinds[w.Job]) == 0
		if is.paused != paused[w.Job] || again {
			report(w.Job, is.paused)
		}
		if !was.OverrideAt.Equal(w.OverrideAt) {
			kinds[w.Job] = append(kinds[w.Job], contract.JobRescheduled)
		}
	}
	for job, is := range paused {
		if _, still := current[job]; is && !still {
			report(job, false)
		}
	}
	steps, err = p.stepsOfJobs(ctx, kinds, now)
	if err != nil {
		return nil, err
	}
	p.reported = current
	return steps, nil
}

// stepsOfJobs returns the changes of jobs.
func (p *snapshot) stepsOfJobs(ctx context.Context, kinds map[string][]contract.EventKind, now time.Time) (steps []step, err error) {
	if len(kinds) == 0 {
		return nil, nil
	}
	names := slices.Sorted(maps.Keys(kinds))
	states, err := p.crons.Store().States(ctx, names...)
	if err != nil {
		return nil, err
	}
	for _, job := range names {
		j, err := p.crons.Definition(job)
		if err != nil {
			continue // a job of another program
		}
		for _, kind := range kinds[job] {
			st := states[job]
			if pause := kind == contract.JobWasPaused; kind != contract.JobRescheduled && st.PausedNow(now) != pause {
				st.Paused, st.PausedUntil = pause, time.Time{} // a state between two polls
			}
			data, err := json.Marshal(p.crons.View(j, st, now))
			if err != nil {
				return nil, err
			}
			steps = append(steps, step{now, Change{Kind: kind, Job: job, Data: data}})
		}
	}
	return steps, nil
}
