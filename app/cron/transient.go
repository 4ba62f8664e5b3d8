package cron

import (
	"context"
	"slices"
	"sync"
	"time"
)

// transient is the store of a scheduler that was given none. It knows what goes on now, so
// that overlap, limits, pause and cancel hold within the process, and forgets what has ended:
// there is no history, and nothing survives a restart.
type transient struct {
	mu     sync.Mutex
	jobs   map[string]*transientJob
	groups map[string]int // running
}

// transientJob is a job and what its last run came to. There may be a hundred thousand, and a burst looks
// at each twice.
type transientJob struct {
	watermark instant
	paused    *Pause // nil: it is not
	group     string // of which its runs are
	rows      []transientRow
	room      [1]transientRow // for the first of them: most jobs never have two

	last struct {
		status         Status // of the run that ended last, skipped ones included
		err            string
		run            string // the last that was started
		started, slot  instant
		took           int64 // ms
		success        instant
		runs, failures int64
	}
	name       string
	definition string
	firstSeen  instant
	override   *Override // nil: there never was one
}

// transientRow is an active run. There may be thousands, of which few have more than a status.
type transientRow struct {
	Fence
	status Status
	cancel Reason  // why its end was asked for; empty: it was not
	record *Record // of a run by hand
}

var _ Store = (*transient)(nil)

// newTransient has the jobs lie side by side, as they are looked at.
func newTransient(jobs []*Job) *transient {
	t := &transient{jobs: make(map[string]*transientJob, len(jobs)), groups: make(map[string]int)}
	kept := make([]transientJob, len(jobs))
	for i, j := range jobs {
		t.add(&kept[i], j.Name).group = j.Policies.Group
	}
	return t
}

func (t *transient) add(j *transientJob, name string) *transientJob {
	j.name, j.rows = name, j.room[:0]
	t.jobs[name] = j
	return j
}

func (t *transient) job(name string) *transientJob {
	j := t.jobs[name]
	if j == nil {
		j = t.add(new(transientJob), name)
	}
	return j
}

// state is what is known of the job, as a store that keeps it would say it.
func (j *transientJob) state() State {
	st := State{
		Name: j.name, Definition: j.definition, FirstSeen: j.firstSeen.time(), Watermark: j.watermark.time(),
		LastRun: j.last.started.time(), LastRunID: j.last.run, LastSlot: j.last.slot.time(), LastStatus: j.last.status,
		LastError: j.last.err, LastDurationMS: j.last.took, LastSuccess: j.last.success.time(),
		Runs: j.last.runs, Failures: j.last.failures, Active: len(j.rows),
	}
	if p := j.paused; p != nil {
		st.Paused, st.PausedAt, st.PausedUntil, st.PausedBy, st.PausedReason = true, p.At, p.Until, p.Actor, p.Reason
	}
	if j.override != nil {
		st.Override = *j.override
	}
	return st
}

func (t *transient) Sync(_ context.Context, p Program) (Synced, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	states, now := make([]State, len(p.Definitions)), instantOf(p.At)
	for i, d := range p.Definitions {
		j := t.job(d.Name)
		if j.definition != d.Definition || j.firstSeen == 0 {
			j.definition, j.watermark = d.Definition, now
			if j.firstSeen == 0 {
				j.firstSeen = now
			}
		}
		states[i] = j.state()
	}
	return Synced{States: states}, nil
}

func (t *transient) Claim(_ context.Context, claims []Claim) ([]Claimed, error) {
	return t.claims(nil, claims), nil
}

// claims is Claim that appends to out.
func (t *transient) claims(out []Claimed, claims []Claim) []Claimed {
	t.mu.Lock()
	defer t.mu.Unlock()
	out = slices.Grow(out, len(claims))
	for i := range claims {
		out = append(out, t.claim(&claims[i]))
	}
	return out
}

func (t *transient) claim(c *Claim) Claimed {
	j := c.kept
	byHand := c.Slot.IsZero()
	if !byHand {
		slot := instantOf(c.Slot)
		if slot <= j.watermark {
			return Claimed{}
		}
		j.watermark = slot
	}
	if byHand && c.Key != "" {
		for _, row := range j.rows {
			if row.record != nil && row.record.Key == c.Key {
				return Claimed{ID: row.ID, Status: row.status}
			}
		}
	}
	got := Claimed{Won: true, ID: c.ID, Status: c.Status, Reason: c.Reason}
	if c.Status != Skipped && !c.Force && j.pausedAt(c.At) {
		got.Status, got.Reason = Skipped, ReasonPaused
	}
	if got.Status != Skipped && len(j.rows) > 0 {
		t.overlap(j, c, &got)
	}
	if got.Status == Skipped {
		if byHand {
			return Claimed{Refused: got.Reason}
		}
		j.last.status = Skipped
		return got
	}
	row := transientRow{Fence: c.Fence, status: got.Status}
	if byHand {
		row.record = &Record{ID: c.ID, Job: c.Job, Status: got.Status, Trigger: c.Trigger, DataSlot: optional(c.DataSlot), Args: c.Args, Key: c.Key, Actor: c.Actor, Instance: c.Instance, QueuedAt: c.At}
	}
	if got.Status == Running {
		t.count(j.group, 1)
	}
	j.rows = append(j.rows, row)
	return got
}

func (t *transient) count(group string, by int) {
	if group != "" {
		t.groups[group] += by
	}
}

func (t *transient) overlap(j *transientJob, c *Claim, got *Claimed) {
	switch c.Overlap {
	case Skip:
		if !c.Force {
			got.Status, got.Reason = Skipped, ReasonOverlap
		}
	case Queue, Replace:
		got.Status = Queued
		queued := 0
		for i := range j.rows {
			if j.rows[i].status == Queued {
				queued++
			}
			if c.Overlap == Replace {
				j.rows[i].cancel = ReasonReplaced
			}
		}
		if c.Overlap == Queue && queued >= c.QueueCap && !c.Force {
			got.Status, got.Reason = Skipped, ReasonQueueFull
		}
	}
}

// row finds an active run; below 0: it has ended.
func (j *transientJob) row(f Fence) int {
	for i := range j.rows {
		if j.rows[i].Token == f.Token {
			return i
		}
	}
	return -1
}

func (t *transient) Start(_ context.Context, s Start) (StartOutcome, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	j := s.kept
	i := j.row(s.Fence)
	if i < 0 {
		return StartOutcome{}, ErrFenced
	}
	row := &j.rows[i]
	if row.cancel != "" {
		return StartOutcome{Cancelled: true, Reason: row.cancel}, nil
	}
	if s.Serial {
		for k := range j.rows {
			if k != i && j.rows[k].status == Running {
				return StartOutcome{Blocked: true}, nil
			}
		}
	}
	if s.Group != "" && t.groups[s.Group] >= s.GroupLimit {
		return StartOutcome{Blocked: true}, nil
	}
	row.status = Running
	t.count(j.group, 1)
	return StartOutcome{Started: true}, nil
}

func (t *transient) Finish(_ context.Context, f Finish) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.end(&f)
}

// finish is Finish for the runs that were filed.
func (t *transient) finish(first *Run) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for r := first; r != nil; r = r.filed.next {
		if r.filed.end != nil {
			_ = t.end(r.filed.end) // fenced: it had been ended before
		} else {
			t.succeeded(r, r.filed.at)
		}
	}
}

func (t *transient) end(f *Finish) error {
	j := f.kept
	if j == nil { // of a run that this process has lost track of
		return ErrFenced
	}
	i := j.row(f.Fence)
	if i < 0 {
		return ErrFenced
	}
	row := &j.rows[i]
	if row.status == Running {
		t.count(j.group, -1)
	}
	if f.Status == Queued {
		row.status = Queued
		return nil
	}
	j.last.status, j.last.err = f.Status, f.Error
	if !f.Started.IsZero() {
		j.ran(f.ID, instantOf(f.Slot), instantOf(f.Started), instantOf(f.At))
		switch f.Status {
		case Failed, Interrupted:
			j.last.failures++
		case Succeeded:
			j.last.success = instantOf(f.At)
		}
	}
	j.remove(i)
	return nil
}

func (j *transientJob) pausedAt(now time.Time) bool {
	return j.paused != nil && State{Paused: true, PausedUntil: j.paused.Until}.PausedNow(now)
}

// ran notes that a run which was started has ended.
func (j *transientJob) ran(id string, slot, started, at instant) {
	j.last.run, j.last.slot, j.last.started, j.last.took = id, slot, started, int64(at-started)
	j.last.runs++
}

// succeeded is end for most runs.
func (t *transient) succeeded(r *Run, at instant) {
	j := r.entry.kept
	i := j.row(r.fence())
	if i < 0 {
		return
	}
	if j.rows[i].status == Running {
		t.count(j.group, -1)
	}
	j.last.status, j.last.err, j.last.success = Succeeded, "", at
	j.ran(r.id, r.slot, r.startedAt, at)
	j.remove(i)
}

func (j *transientJob) remove(i int) {
	last := len(j.rows) - 1
	j.rows[i] = j.rows[last]
	j.rows[last] = transientRow{}
	j.rows = j.rows[:last]
}

func (t *transient) Beat(_ context.Context, b Beat) ([]Held, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var held []Held
	for _, j := range t.jobs {
		for i := range j.rows {
			if row := &j.rows[i]; row.cancel != "" || !b.Quick {
				held = append(held, Held{Fence: row.Fence, Status: row.status, Cancel: row.cancel != "", Reason: row.cancel})
			}
		}
	}
	return held, nil
}

func (t *transient) Expired(context.Context, int) ([]Record, error) { return nil, nil }

func (t *transient) Take(_ context.Context, takes []Take) ([]bool, error) {
	return make([]bool, len(takes)), nil
}

func (t *transient) Note(context.Context, []Note) error { return nil }

func (t *transient) Prune(context.Context, string, int, time.Time, int) (int, error) { return 0, nil }

func (t *transient) States(_ context.Context, names ...string) (map[string]State, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	states := make(map[string]State)
	for name, j := range t.jobs {
		if len(names) == 0 || slices.Contains(names, name) {
			states[name] = j.state()
		}
	}
	return states, nil
}

func (t *transient) Runs(context.Context, Query) ([]Record, error) { return nil, nil }

func (t *transient) Run(_ context.Context, id string) (Record, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, j := range t.jobs {
		for i := range j.rows {
			if row := &j.rows[i]; row.ID == id {
				if row.record != nil {
					rec := *row.record
					rec.Status = row.status
					return rec, nil
				}
				return Record{ID: id, Job: j.name, Status: row.status}, nil
			}
		}
	}
	return Record{}, ErrNotFound
}

func (t *transient) Logs(context.Context, string, int64, int) ([]LogLine, error) { return nil, nil }

func (t *transient) Pause(_ context.Context, p Pause) (State, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	j := t.job(p.Job)
	j.paused = &p
	if p.Resume {
		j.paused = nil
	}
	return j.state(), nil
}

func (t *transient) Override(_ context.Context, o Override) (State, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	j := t.job(o.Job)
	j.override = &o
	j.watermark = max(j.watermark, instantOf(o.At))
	return j.state(), nil
}

func (t *transient) Overrides(context.Context) ([]Override, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []Override
	for _, j := range t.jobs {
		if j.override != nil {
			out = append(out, *j.override)
		}
	}
	return out, nil
}

func (t *transient) Cancel(ctx context.Context, id string, reason Reason, _ string) (Record, error) {
	t.mu.Lock()
	for _, j := range t.jobs {
		for i := range j.rows {
			if j.rows[i].ID == id {
				j.rows[i].cancel = reason
			}
		}
	}
	t.mu.Unlock()
	return t.Run(ctx, id)
}

func (t *transient) Instances(context.Context) ([]InstanceInfo, error) { return nil, nil }

func (t *transient) Ping(context.Context) error { return nil }
