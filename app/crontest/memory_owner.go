package crontest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

// Start implements [contract.Claims].
func (m *Memory) Start(_ context.Context, s contract.Start) (contract.StartOutcome, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.runs[s.ID]
	switch {
	case r == nil || r.token != s.Token || r.status.Ended():
		return contract.StartOutcome{}, contract.ErrFenced
	case r.status == cron.Running && (s.Instance == "" || s.Instance == r.instance) && (s.Attempt == 0 || s.Attempt == r.attempt):
		return contract.StartOutcome{Started: true}, nil // the same start, repeated
	case r.status == cron.Running, s.Attempt != 0 && s.Attempt != r.attempt+1:
		return contract.StartOutcome{}, contract.ErrFenced
	case r.cancelled():
		return contract.StartOutcome{Cancelled: true, Reason: r.more.cancelReason}, nil
	}
	if other := m.before(r, &s); other != nil {
		out := contract.StartOutcome{Blocked: true, By: other.id}
		if other.status != cron.Running {
			out.First = time.UnixMilli(other.slot).UTC()
		}
		return out, nil
	}
	m.become(r, cron.Running)
	r.attempt++
	if s.Instance != "" {
		r.instance = s.Instance
	}
	if r.startedAt == 0 {
		r.startedAt = s.At.UnixMilli()
	}
	if r.attempt > 1 {
		r.rest().attemptAt = instant(s.At)
	}
	if r.more != nil {
		r.more.nextAt = time.Time{}
	}
	r.leaseUntil = time.Now().Add(s.Lease).UnixMilli()
	return contract.StartOutcome{Started: true}, nil
}

// before returns the run that prevents a start: an active run of its line, or the last of the group, or the earliest
// that must start first.
func (m *Memory) before(r *memRun, s *contract.Start) (first *memRun) {
	if s.Group != "" && s.GroupLimit > 0 {
		if other := m.inGroup(r, s); other != nil {
			return other
		}
	}
	if !s.Serial {
		return nil
	}
	for o := m.active.next; o != nil && o != &m.active; o = o.next {
		switch {
		case o.line != r.line:
		case o.status == cron.Running:
			return o
		case goesFirst(o, r, s) && (first == nil || o.slot < first.slot):
			first = o
		}
	}
	return first
}

func (m *Memory) inGroup(r *memRun, s *contract.Start) (first *memRun) {
	full := m.groups[s.Group] >= s.GroupLimit
	earlier := map[*memJob]bool{}
	for o := m.active.next; o != nil && o != &m.active; o = o.next {
		switch {
		case o.group != s.Group:
		case full:
			if o.status == cron.Running && (first == nil || o.id > first.id) {
				first = o
			}
		case o.line.job.running == 0 && goesFirst(o, r, s):
			earlier[o.line.job] = true
			if first == nil || o.slot < first.slot {
				first = o
			}
		}
	}
	if full || len(earlier) >= s.GroupLimit-m.groups[s.Group] {
		return first
	}
	return nil
}

// goesFirst reports whether o, an active run, must start before r.
func goesFirst(o, r *memRun, s *contract.Start) bool {
	return s.InTurn && !r.hand && !o.hand && o.status == cron.Queued && o.attempt == 0 && !o.cancelled() &&
		o.instance != r.instance && o.leaseUntil > time.Now().UnixMilli() &&
		o.slot < r.slot && (s.Passed.IsZero() || o.slot > s.Passed.UnixMilli())
}

// Finish implements [contract.Claims].
func (m *Memory) Finish(_ context.Context, f contract.Finish) error {
	if err := validFinish(&f); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.runs[f.ID]
	switch {
	case r == nil || r.token != f.Token:
		return contract.ErrFenced
	case r.status.Ended():
		if r.status == f.Status { // the same end, repeated
			return nil
		}
		return contract.ErrFenced
	case f.Attempt != 0 && (r.status != cron.Queued || f.Attempt != r.attempt+1):
		return contract.ErrFenced
	}
	m.apply(r, &f)
	if f.Release {
		r.instance, r.leaseUntil = "", 0
	}
	return nil
}

func validFinish(f *contract.Finish) error {
	if f.Status != cron.Queued && !f.Status.Ended() {
		return fmt.Errorf("finish of run %s: %q is not an end", f.ID, f.Status)
	}
	return nil
}

// apply ends the run or queues it again.
func (m *Memory) apply(r *memRun, f *contract.Finish) {
	m.become(r, f.Status)
	r.reason = f.Reason
	if r.more != nil || f.Error != "" || f.Stack != "" || f.Result != nil || f.Attempts != nil || !f.NextAt.IsZero() {
		x := r.rest()
		x.err, x.stack, x.nextAt = f.Error, f.Stack, time.Time{}
		if f.Result != nil {
			x.result = slices.Clone(f.Result)
		}
		if f.Attempts != nil {
			x.attempts = slices.Clone(f.Attempts)
		}
		if f.Status == cron.Queued {
			x.nextAt = instant(f.NextAt)
		}
	}
	r.note(f.Lines, f.Progress)
	if r.startedAt == 0 && !f.Started.IsZero() {
		r.startedAt = f.Started.UnixMilli()
	}
	if f.Status == cron.Queued {
		return
	}
	r.endedAt = f.At.UnixMilli()
	m.settled(r)
}

// Beat implements [contract.Claims].
func (m *Memory) Beat(_ context.Context, b contract.Beat) ([]contract.LeasedRun, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if !b.Quick {
		in := b.Instance
		in.StartedAt, in.SeenAt, in.StoppedAt = instant(in.StartedAt), instant(b.At), time.Time{}
		if b.Gone {
			in.StoppedAt = in.SeenAt
		}
		m.instances[in.ID] = in
	}
	var held []contract.LeasedRun
	for r := m.active.next; r != &m.active; r = r.next {
		if r.instance != b.Instance.ID {
			continue
		}
		switch {
		case b.Quick:
		case b.Gone:
			if r.status == cron.Queued {
				r.leaseUntil = 0
			}
		default:
			r.leaseUntil = now.Add(b.Lease).UnixMilli()
		}
		h := contract.LeasedRun{Fence: contract.Fence{ID: r.id, Token: r.token}, Status: r.status}
		if r.cancelled() {
			h.Cancel, h.Reason, h.CancelBy = true, r.more.cancelReason, r.more.cancelBy
		}
		held = append(held, h)
	}
	return held, nil
}

// Expired implements [contract.Claims].
func (m *Memory) Expired(_ context.Context, limit int) ([]cron.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now().UnixMilli()
	var late []*memRun
	for r := m.active.next; r != &m.active; r = r.next {
		if r.leaseUntil <= now {
			late = append(late, r)
		}
	}
	slices.SortFunc(late, func(a, b *memRun) int { return -newestFirst(a, b) })
	return records(late, limit), nil
}

// Take implements [contract.Claims].
func (m *Memory) Take(_ context.Context, takes []contract.Take) ([]bool, error) {
	for i := range takes {
		if err := validFinish(&takes[i].Finish); err != nil {
			return nil, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	out := make([]bool, len(takes))
	for i := range takes {
		t := &takes[i]
		r := m.runs[t.ID]
		switch {
		case r == nil:
		case t.NewToken != 0 && r.token == t.NewToken: // the same take, repeated
			out[i] = r.status == t.Status
		case r.token == t.Token && !r.status.Ended() && r.leaseUntil <= now.UnixMilli():
			m.apply(r, &t.Finish)
			r.token = t.NewToken
			if t.Status == cron.Queued {
				r.instance, r.leaseUntil = t.Instance, now.Add(t.Lease).UnixMilli()
			}
			out[i] = true
		}
	}
	return out, nil
}

// Note implements [contract.Journal].
func (m *Memory) Note(_ context.Context, notes []contract.Note) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, n := range notes {
		if r := m.runs[n.ID]; r != nil && r.token == n.Token && r.active() {
			r.note(n.Lines, n.Progress)
		}
	}
	return nil
}

// newestFirst is the order of [contract.Admin.Runs].
func newestFirst(a, b *memRun) int {
	return cmp.Or(cmp.Compare(b.queuedAt, a.queuedAt), cmp.Compare(b.id, a.id))
}

func records(runs []*memRun, limit int) []cron.Record {
	if len(runs) > limit {
		runs = runs[:limit]
	}
	out := make([]cron.Record, len(runs))
	for i, r := range runs {
		out[i] = r.record()
	}
	return out
}
