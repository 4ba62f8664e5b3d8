package store

import (
	"context"
	"fmt"
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
				n.serial = append(n.serial, source{st.Job, st.Schedule})
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

func (t *txn) start(st *contract.Start) (contract.StartOutcome, error) {
	r := t.runs[st.ID]
	switch {
	case r == nil || t.rules.fenced(r.token, st.Token) || !r.active():
		return contract.StartOutcome{}, contract.ErrFenced
	case r.status == cron.Running && (st.Instance == "" || st.Instance == r.instance) && (st.Attempt == 0 || st.Attempt == r.attempt):
		return contract.StartOutcome{Started: true}, nil // this very start, asked again
	case r.status == cron.Running, st.Attempt != 0 && st.Attempt != r.attempt+1:
		return contract.StartOutcome{}, contract.ErrFenced
	case r.cancelAt != 0:
		return contract.StartOutcome{Cancelled: true, Reason: r.cancelReason}, nil
	}
	if other := t.blockedBy(r, st); other != nil {
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
	if r.dueAt != 0 {
		t.undefer = append(t.undefer, r.id)
		t.activate(r)
	}
	if r.group != "" {
		t.groups[r.group] = append(t.groups[r.group], r)
	}
	return contract.StartOutcome{Started: true}, nil
}

// activate makes a deferred run an ordinary one.
func (t *txn) activate(r *run) {
	if r.dueAt != 0 {
		r.dueAt = 0
		t.active[r.source] = append(t.active[r.source], r)
	}
}

// blockedBy returns the run that a start has to wait for: a running one, or the earliest waiting one that
// comes first; see [contract.Start].
func (t *txn) blockedBy(r *run, st *contract.Start) (first *run) {
	if limited(st) {
		if other := t.blockedInGroup(r, st); other != nil {
			return other
		}
	}
	if !st.Serial {
		return nil
	}
	for _, o := range t.active[r.source] {
		if o.status == cron.Running {
			return o
		}
		if t.goesFirst(o, r, st) && (first == nil || o.slot < first.slot) {
			first = o
		}
	}
	return first
}

// blockedInGroup is blockedBy for the limit of r's group.
func (t *txn) blockedInGroup(r *run, st *contract.Start) (first *run) {
	places := st.GroupLimit
	runs := map[source]bool{} // with a running run: their next may have to wait for it
	var last *run
	for _, o := range t.groups[st.Group] {
		if o.status != cron.Running {
			continue
		}
		places--
		runs[o.source] = true
		if last == nil || o.id > last.id {
			last = o
		}
	}
	if places <= 0 {
		return last
	}
	earlier := map[source]bool{} // with a run that comes first
	for _, o := range t.queues[st.Group] {
		if runs[o.source] || !t.goesFirst(o, r, st) {
			continue
		}
		earlier[o.source] = true
		if first == nil || o.slot < first.slot {
			first = o
		}
	}
	if len(earlier) < places {
		return nil
	}
	return first
}

// goesFirst reports whether o, an active run, is to start before r.
func (t *txn) goesFirst(o, r *run, st *contract.Start) bool {
	return st.InTurn && !r.hand && !o.hand && o.status == cron.Queued && o.attempt == 0 && o.cancelAt == 0 &&
		o.instance != r.instance && o.leaseUntil > t.now && o.slot < r.slot && o.slot > int64(row.MillisOf(st.Passed))
}
