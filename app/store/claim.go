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

// Claim implements [contract.Claims].
func (s *Store) Claim(ctx context.Context, claims []contract.Claim) ([]contract.Claimed, error) {
	for i := range claims {
		if err := validClaim(&claims[i]); err != nil {
			return nil, err
		}
	}
	claims = slices.Clone(claims) // the caller may return before the writer is done
	var out []contract.Claimed
	err := s.writer.do(ctx, &op{
		kind:   "claim",
		rows:   len(claims),
		claims: claims,
		need: func(n *needs) {
			for i := range claims {
				n.claims = append(n.claims, &claims[i])
			}
		},
		run: func(t *txn) error {
			out = make([]contract.Claimed, len(claims))
			for i := range claims {
				out[i] = t.claim(&claims[i])
			}
			// A batch is settled against the watermarks it found.
			for i := range claims {
				if out[i].Early > 0 || out[i].Superseded || out[i].Rescheduled {
					continue
				}
				t.advance(claims[i].Job, int64(row.MillisOf(claims[i].Watermark)))
			}
			return nil
		},
	})
	if err != nil {
		return nil, fmt.Errorf("claim: %w", err)
	}
	return out, nil
}

func validClaim(c *contract.Claim) error {
	switch {
	case c.ID == "" || c.Job == "":
		return fmt.Errorf("claim of job %q: it needs a job and an ID", c.Job)
	case c.Status != cron.Running && c.Status != cron.Queued && c.Status != cron.Skipped:
		return fmt.Errorf("claim of job %q: status %q cannot be claimed", c.Job, c.Status)
	}
	return nil
}

func (t *txn) claim(c *contract.Claim) contract.Claimed {
	r := &run{
		id: c.ID, job: c.Job, token: c.Token, hand: c.Slot.IsZero(), group: c.Group,
		instance: c.Instance, claim: c,
	}
	if r.hand {
		if there := t.runs[c.ID]; there != nil {
			return there.claimed(c.ID)
		}
	} else {
		r.slot = c.Slot.UnixMilli()
		if there := t.slots[slotKey{r.job, r.slot}]; there != nil {
			return there.claimed(c.ID)
		}
		if t.rules.settled(r.slot, t.states[c.Job].watermark) {
			return contract.Claimed{}
		}
		if c.Generation != 0 && t.states[c.Job].generation > c.Generation {
			return contract.Claimed{Superseded: true}
		}
		if t.early(c) {
			return contract.Claimed{Early: time.Duration(max(r.slot-t.now, 1)) * time.Millisecond}
		}
		if at := t.states[c.Job].overrideAt; at != 0 && at != int64(row.MillisOf(c.Since)) {
			return contract.Claimed{Rescheduled: true}
		}
	}
	if c.Key != "" {
		if there := t.keys[requestKey{r.job, c.Key}]; there != nil {
			return there.claimed(c.ID)
		}
	}
	r.status, r.reason = t.verdict(c)
	if r.hand && r.status == cron.Skipped {
		return contract.Claimed{Refused: r.reason}
	}
	t.insert(r)
	return r.claimed(c.ID)
}

// verdict decides the status of a new run.
func (t *txn) verdict(c *contract.Claim) (cron.Status, cron.Reason) {
	s := t.states[c.Job]
	at := c.At.UnixMilli()
	if t.sql.Locks != nil { // the database's clock, which every process shares, says when a pause ends
		at = t.now
	}
	switch {
	case c.Status == cron.Skipped:
		return cron.Skipped, c.Reason
	case c.Force:
		return c.Status, ""
	case s.paused && (s.pausedUntil == 0 || at < s.pausedUntil):
		return cron.Skipped, cron.ReasonPaused
	case c.Overlap == cron.Allow:
		return c.Status, ""
	}
	if s.occupied && c.Overlap == cron.Skip {
		return cron.Skipped, cron.ReasonOverlap
	}
	var active []*run
	queued := 0
	for _, r := range t.active[c.Job] {
		if r.active() {
			active = append(active, r)
		}
		if r.status == cron.Queued {
			queued++
		}
	}
	switch {
	case len(active) == 0:
		return c.Status, ""
	case c.Overlap == cron.Queue:
		if queued >= c.QueueCap {
			return cron.Skipped, cron.ReasonQueueFull
		}
		return cron.Queued, ""
	case c.Overlap == cron.Replace:
		for _, r := range active {
			t.cancel(r, at, cron.ReasonReplaced, c.Actor)
		}
		return cron.Queued, ""
	}
	return cron.Skipped, cron.ReasonOverlap
}

func (t *txn) insert(r *run) {
	c := r.claim
	switch r.status {
	case cron.Skipped:
		t.noteOutcome(r, c.Detail, c.At.UnixMilli())
	case cron.Running:
		r.attempt, r.startedAt = 1, c.At.UnixMilli()
	}
	if r.active() {
		r.leaseUntil = t.now + c.Lease.Milliseconds()
		t.active[r.job] = append(t.active[r.job], r)
		if r.group != "" && r.status == cron.Running {
			t.groups[r.group] = append(t.groups[r.group], r)
		}
	}
	t.runs[r.id] = r
	if !r.hand {
		t.slots[slotKey{r.job, r.slot}] = r
	}
	if c.Key != "" {
		t.keys[requestKey{r.job, c.Key}] = r
	}
	t.touch(r)
	t.inserts = append(t.inserts, r)
}

// cancel records the first request to end the run.
func (t *txn) cancel(r *run, at int64, reason cron.Reason, by string) {
	if r.cancelAt != 0 {
		return
	}
	r.cancelAt, r.cancelReason = at, reason
	t.touch(r)
	t.fail(t.flushRuns())
	t.exec("UPDATE job_runs SET cancel_at = ?, cancel_reason = ?, cancel_by = ? WHERE id = ? AND cancel_at IS NULL", at, string(reason), by, r.id)
}

// advance moves the watermark, never back. A job that has no row gets one.
func (t *txn) advance(job string, to int64) {
	s := t.states[job]
	if s.known && to <= s.watermark {
		return
	}
	added := !s.known || t.watermarks[job].added
	s.known, s.watermark = true, max(s.watermark, to)
	t.watermarks[job] = movedWatermark{job, s.watermark, added}
}
