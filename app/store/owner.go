package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/store/row"
)

// Start implements [contract.Claims].
func (s *Store) Start(ctx context.Context, st contract.Start) (contract.StartOutcome, error) {
	o := &op{
		kind:  "start",
		rows:  1,
		start: &st,
		need: func(n *needs) {
			n.ids = append(n.ids, st.ID)
			if st.Serial {
				n.serial = append(n.serial, st.Job)
			}
			if limited(&st) {
				n.groups = append(n.groups, st.Group)
				if st.InTurn {
					n.turns = append(n.turns, st.Group)
				}
			}
		},
	}
	o.run = func(t *txn) (err error) {
		o.outcome, err = t.start(&st)
		return err
	}
	if err := s.writer.do(ctx, o); err != nil {
		return contract.StartOutcome{}, fmt.Errorf("start run %s: %w", st.ID, err)
	}
	return o.outcome, nil
}

func limited(st *contract.Start) bool { return st.Group != "" && st.GroupLimit > 0 }

func (t *txn) start(st *contract.Start) (contract.StartOutcome, error) {
	r := t.runs[st.ID]
	switch {
	case r == nil || t.store.rules.fenced(r.token, st.Token) || !r.active():
		return contract.StartOutcome{}, contract.ErrFenced
	case r.status == cron.Running && (st.Instance == "" || st.Instance == r.instance) && (st.Attempt == 0 || st.Attempt == r.attempt):
		return contract.StartOutcome{Started: true}, nil // this very start, asked again
	case r.status == cron.Running, st.Attempt != 0 && st.Attempt != r.attempt+1:
		return contract.StartOutcome{}, contract.ErrFenced
	case r.cancelAt != 0:
		return contract.StartOutcome{Cancelled: true, Reason: r.cancelReason}, nil
	}
	if other := t.before(r, st); other != nil {
		out := contract.StartOutcome{Blocked: true, By: other.id}
		if other.status != cron.Running {
			out.First = time.UnixMilli(other.slot).UTC()
		}
		return out, nil
	}
	t.touch(r)
	r.status = cron.Running
	r.attempt++
	r.attemptAt = st.At.UnixMilli()
	if st.Instance != "" {
		r.instance = st.Instance
	}
	if r.startedAt == 0 {
		r.startedAt = st.At.UnixMilli()
	}
	r.leaseUntil = t.now + st.Lease.Milliseconds()
	t.starts = append(t.starts, r)
	if r.group != "" {
		t.groups[r.group] = append(t.groups[r.group], r)
	}
	return contract.StartOutcome{Started: true}, nil
}

// before returns the run that stands in the way of a start: one that goes on, or the earliest that waits and
// goes first; see [contract.Start].
func (t *txn) before(r *run, st *contract.Start) (first *run) {
	if limited(st) {
		if other := t.inGroup(r, st); other != nil {
			return other
		}
	}
	if !st.Serial {
		return nil
	}
	for _, o := range t.active[r.job] {
		if o.status == cron.Running {
			return o
		}
		if t.goesFirst(o, r, st) && (first == nil || o.slot < first.slot) {
			first = o
		}
	}
	return first
}

// inGroup is before, as far as the limit of r's group goes.
func (t *txn) inGroup(r *run, st *contract.Start) (first *run) {
	places := st.GroupLimit
	runs := map[string]bool{} // jobs of which one goes on: the next may have to wait for it
	var last *run
	for _, o := range t.groups[st.Group] {
		if o.status != cron.Running {
			continue
		}
		places--
		runs[o.job] = true
		if last == nil || o.id > last.id {
			last = o
		}
	}
	if places <= 0 {
		return last
	}
	earlier := map[string]bool{} // jobs that have a run to go first
	for _, o := range t.queues[st.Group] {
		if runs[o.job] || !t.goesFirst(o, r, st) {
			continue
		}
		earlier[o.job] = true
		if first == nil || o.slot < first.slot {
			first = o
		}
	}
	if len(earlier) < places {
		return nil
	}
	return first
}

// goesFirst says whether o, an active run, is to start before r.
func (t *txn) goesFirst(o, r *run, st *contract.Start) bool {
	return st.InTurn && !r.hand && !o.hand && o.status == cron.Queued && o.attempt == 0 && o.cancelAt == 0 &&
		o.instance != r.instance && o.leaseUntil > t.now && o.slot < r.slot && o.slot > int64(row.MillisOf(st.Passed))
}

// Finish implements [contract.Claims].
func (s *Store) Finish(ctx context.Context, f contract.Finish) error {
	if err := validFinish(&f); err != nil {
		return err
	}
	err := s.writer.do(ctx, &op{
		kind:   "finish",
		rows:   1 + len(f.Lines),
		finish: &f,
		need: func(n *needs) {
			n.ids = append(n.ids, f.ID)
			if f.Job != "" {
				n.jobs = append(n.jobs, f.Job)
			}
		},
		run: func(t *txn) error { return t.finish(&f) },
	})
	if err != nil {
		return fmt.Errorf("finish run %s: %w", f.ID, err)
	}
	return nil
}

func validFinish(f *contract.Finish) error {
	if f.Status != cron.Queued && !f.Status.Ended() {
		return fmt.Errorf("finish of run %s: %q is not an end", f.ID, f.Status)
	}
	return nil
}

func (t *txn) finish(f *contract.Finish) error {
	r := t.runs[f.ID]
	switch {
	case r == nil || t.store.rules.fenced(r.token, f.Token):
		return contract.ErrFenced
	case !r.active():
		if r.status == f.Status { // this very end, told again
			return nil
		}
		return contract.ErrFenced
	case f.Attempt != 0 && (r.status != cron.Queued || f.Attempt != r.attempt+1):
		return contract.ErrFenced
	}
	t.end(r, f)
	if f.Release {
		last := &t.ends[len(t.ends)-1]
		last.own, r.instance, r.leaseUntil = true, "", 0
	}
	return nil
}

// end ends the run or puts it back.
func (t *txn) end(r *run, f *contract.Finish) {
	t.touch(r)
	r.status, r.reason = f.Status, f.Reason
	if r.startedAt == 0 && !f.Started.IsZero() {
		r.startedAt = f.Started.UnixMilli()
	}
	t.ends = append(t.ends, end{run: r, f: f})
	for _, l := range f.Lines {
		t.lines = append(t.lines, line{r.id, l})
	}
	if f.Status.Ended() {
		t.settled(r, f.Error, f.At.UnixMilli())
	}
}

// Take implements [contract.Claims].
func (s *Store) Take(ctx context.Context, takes []contract.Take) ([]bool, error) {
	for i := range takes {
		if err := validFinish(&takes[i].Finish); err != nil {
			return nil, err
		}
	}
	takes = slices.Clone(takes)
	var out []bool
	err := s.writer.do(ctx, &op{
		kind: "take",
		rows: len(takes),
		need: func(n *needs) {
			for i := range takes {
				n.ids = append(n.ids, takes[i].ID)
				if takes[i].Job != "" {
					n.jobs = append(n.jobs, takes[i].Job)
				}
			}
		},
		run: func(t *txn) error {
			out = make([]bool, len(takes))
			for i := range takes {
				out[i] = t.take(&takes[i])
			}
			return nil
		},
	})
	if err != nil {
		return nil, fmt.Errorf("take expired runs: %w", err)
	}
	return out, nil
}

func (t *txn) take(k *contract.Take) bool {
	r, rules := t.runs[k.ID], t.store.rules
	switch {
	case r == nil:
		return false
	case k.NewToken != 0 && r.token == k.NewToken: // this very take, asked again
		return r.status == k.Status
	case rules.fenced(r.token, k.Token) || !r.active() || !rules.expired(r.leaseUntil, t.now):
		return false
	}
	t.end(r, &k.Finish)
	t.ends[len(t.ends)-1].own = true
	r.token = k.NewToken
	if k.Status == cron.Queued {
		r.instance, r.leaseUntil = k.Instance, t.now+k.Lease.Milliseconds()
	}
	return true
}
