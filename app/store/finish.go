package store

import (
	"context"
	"fmt"
	"slices"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

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
			n.ends(&f)
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

// ends has what the end of a run changes locked.
func (n *needs) ends(f *contract.Finish) {
	if f.Job != "" {
		n.jobs = append(n.jobs, f.Job)
	}
	if f.Schedule != "" {
		n.stored = append(n.stored, f.Schedule)
	}
}

func (t *txn) finish(f *contract.Finish) error {
	r := t.runs[f.ID]
	switch {
	case r == nil || t.rules.fenced(r.token, f.Token):
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

// end ends the run, or queues it again.
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
		t.noteOutcome(r, f.Error, f.At.UnixMilli())
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
				n.ends(&takes[i].Finish)
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
	r, rules := t.runs[k.ID], t.rules
	switch {
	case r == nil:
		return false
	case k.NewToken != 0 && r.token == k.NewToken: // this very take, asked again
		return r.status == k.Status
	case rules.fenced(r.token, k.Token) || !r.active() || !rules.expiredRun(r, t.now):
		return false
	}
	t.end(r, &k.Finish)
	t.ends[len(t.ends)-1].own = true
	r.token = k.NewToken
	if k.Status == cron.Queued {
		t.activate(r)
		r.instance, r.leaseUntil = k.Instance, t.now+k.Lease.Milliseconds()
	}
	return true
}
