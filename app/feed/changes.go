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

// glanceRuns is how many new runs one look takes in. More in one second are not told one by one.
const glanceRuns = 5000

// picture is what the hub knows of runs and jobs. A look that fails changes nothing in it, so that
// the next one finds all that the failed one would have.
type picture struct {
	crons  ops.Crons
	stamp  int64
	newest contract.Position
	runs   map[string]contract.RunSummary // the active ones
	jobs   []contract.JobSetting
	said   map[string]said // what was told of jobs
}

// said is what was told of a job last.
type said struct {
	paused bool
	contract.JobSetting
}

// begin takes things as they are.
func (p *picture) begin(ctx context.Context) (err error) {
	if p.stamp, err = p.crons.Store().Stamp(ctx); err != nil {
		return err
	}
	g, err := p.crons.Store().Summarize(ctx, contract.Position{Number: math.MaxInt64, Audit: math.MaxInt64}, 0)
	if err != nil {
		return err
	}
	p.take(g)
	now := time.Now()
	p.said = make(map[string]said, len(g.Jobs))
	for _, w := range g.Jobs {
		p.said[w.Job] = said{w.PausedNow(now), w}
	}
	return nil
}

func (p *picture) take(g contract.Summary) {
	p.newest, p.jobs = g.Newest, g.Jobs
	p.runs = make(map[string]contract.RunSummary, len(g.Runs))
	for _, r := range g.Runs {
		if !r.Status.Ended() {
			p.runs[r.ID] = r
		}
	}
}

// look returns what has changed since the last look.
func (p *picture) look(ctx context.Context) ([]Change, error) {
	now := time.Now()
	stamp, err := p.crons.Store().Stamp(ctx)
	if err != nil {
		return nil, err
	}
	next, steps, told := *p, []step(nil), []contract.PauseChange(nil)
	if stamp != p.stamp {
		g, err := p.crons.Store().Summarize(ctx, p.newest, glanceRuns)
		if err != nil {
			return nil, err
		}
		next.stamp, told = stamp, g.Told
		next.take(g)
		if steps, err = p.compare(ctx, g, &next, now); err != nil {
			return nil, err
		}
	}
	more, err := next.switches(ctx, told, now)
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

// step is a change and the instant of it.
type step struct {
	at time.Time
	Change
}

// compare reads the runs of which something has changed, and says what.
func (p *picture) compare(ctx context.Context, g contract.Summary, next *picture, now time.Time) (steps []step, err error) {
	var ids []string
	here := make(map[string]bool, len(g.Runs))
	for _, r := range g.Runs {
		here[r.ID] = true
		if p.runs[r.ID] != r {
			ids = append(ids, r.ID)
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
	if g.Missed || len(recs) < len(ids) { // or pruned before they could be looked at
		steps = append(steps, step{now, missed("")})
	}
	for i := range recs {
		rec := &recs[i]
		// The record may be newer than the sight.
		if sight := next.runs[rec.ID]; rec.Status.Ended() {
			delete(next.runs, rec.ID)
		} else {
			sight.ID, sight.Status, sight.Attempt, sight.Cancelled = rec.ID, rec.Status, rec.Attempt, rec.Cancel != nil
			next.runs[rec.ID] = sight
		}
		p.crons.Overlay(rec, now)
		steps = append(steps, stepsOf(p.runs[rec.ID], rec, now)...)
	}
	return steps, nil
}

// read returns the records, in order of insertion.
func (p *picture) read(ctx context.Context, ids []string) (recs []cron.Record, err error) {
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

// stepsOf is what has happened to a run since was, the zero RunSummary for a run that is new.
func stepsOf(was contract.RunSummary, rec *cron.Record, now time.Time) (steps []step) {
	add := func(kind contract.EventKind, at time.Time, r cron.Record) {
		if n := len(steps); n > 0 && at.Before(steps[n-1].at) {
			at = steps[n-1].at // another process's clock
		}
		data, err := json.Marshal(r)
		if err != nil { // a row edited by hand
			return
		}
		steps = append(steps, step{at, Change{Kind: kind, Job: r.Job, Data: data}})
	}
	for n := was.Attempt + 1; n <= rec.Attempt; n++ {
		began := rewound(*rec, n)
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

// rewound is the record as it was when attempt n had begun.
func rewound(rec cron.Record, n int) cron.Record {
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

// switches says which jobs were paused, resumed or rescheduled. A pause may also just have run out, or
// have come and gone between two looks; then the audit tells of it.
func (p *picture) switches(ctx context.Context, told []contract.PauseChange, now time.Time) (steps []step, err error) {
	kinds := make(map[string][]contract.EventKind)
	paused := make(map[string]bool) // as told so far
	for job, was := range p.said {
		paused[job] = was.paused
	}
	tell := func(job string, pause bool) {
		if paused[job] = pause; pause {
			kinds[job] = append(kinds[job], contract.JobWasPaused)
		} else {
			kinds[job] = append(kinds[job], contract.JobWasResumed)
		}
	}
	for _, t := range told {
		if paused[t.Job] != t.Paused {
			tell(t.Job, t.Paused)
		}
	}
	heard := make(map[string]said, len(p.jobs))
	for _, w := range p.jobs {
		was, is := p.said[w.Job], said{w.PausedNow(now), w}
		heard[w.Job] = is
		again := is.paused && was.paused && !was.PausedAt.Equal(w.PausedAt) && len(kinds[w.Job]) == 0
		if is.paused != paused[w.Job] || again {
			tell(w.Job, is.paused)
		}
		if !was.OverrideAt.Equal(w.OverrideAt) {
			kinds[w.Job] = append(kinds[w.Job], contract.JobRescheduled)
		}
	}
	for job, is := range paused {
		if _, still := heard[job]; is && !still {
			tell(job, false)
		}
	}
	steps, err = p.showJobs(ctx, kinds, now)
	if err != nil {
		return nil, err
	}
	p.said = heard
	return steps, nil
}

// showJobs makes the events of jobs.
func (p *picture) showJobs(ctx context.Context, kinds map[string][]contract.EventKind, now time.Time) (steps []step, err error) {
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
			continue // another program's
		}
		for _, kind := range kinds[job] {
			st := states[job]
			if pause := kind == contract.JobWasPaused; kind != contract.JobRescheduled && st.PausedNow(now) != pause {
				st.Paused, st.PausedUntil = pause, time.Time{} // it was so, and is not any more
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
