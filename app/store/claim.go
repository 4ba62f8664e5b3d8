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
			t.claimAll(claims, out)
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
	case !c.NotBefore.IsZero() && !c.Slot.IsZero():
		return fmt.Errorf("claim of job %q: only a manual run can be deferred", c.Job)
	case c.ID == "" || c.Job == "":
		return fmt.Errorf("claim of job %q: it needs a job and an ID", c.Job)
	case c.Status != cron.Running && c.Status != cron.Queued && c.Status != cron.Skipped:
		return fmt.Errorf("claim of job %q: status %q cannot be claimed", c.Job, c.Status)
	}
	return nil
}

// deferred reports whether the claim is that of a deferred run.
func deferred(c *contract.Claim) bool { return !c.NotBefore.IsZero() }

func (t *txn) claimAll(claims []contract.Claim, out []contract.Claimed) {
	for i := range claims {
		out[i] = t.claim(&claims[i])
	}
	// A batch is settled against the watermarks it found.
	for i := range claims {
		c := &claims[i]
		to := int64(row.MillisOf(c.Watermark))
		switch {
		case out[i].Early > 0 || out[i].Superseded || out[i].Rescheduled:
		case c.Schedule == "" && !deferred(c):
			t.advance(c.Job, to)
		default:
			if !t.jobOf(c).known && !t.users { // the program registers it
				t.advance(c.Job, 0)
			}
			if !deferred(c) {
				t.advanceStored(c, to)
			}
		}
	}
}

func (t *txn) claim(c *contract.Claim) contract.Claimed {
	r := &run{
		id: c.ID, source: source{c.Job, c.Schedule}, token: c.Token, hand: c.Slot.IsZero(), group: c.Group,
		instance: c.Instance, claim: c,
	}
	if r.hand {
		if there := t.runs[c.ID]; there != nil {
			return there.claimed(c.ID)
		}
	} else {
		r.slot = c.Slot.UnixMilli()
		if there := t.slots[slotKey{r.source, r.slot}]; there != nil {
			return there.claimed(c.ID)
		}
		if answer, refused := t.refuse(c, r.slot); refused {
			return answer
		}
	}
	if c.Key != "" {
		if there := t.keys[requestKey{r.job, c.Key}]; there != nil {
			return there.claimed(c.ID)
		}
	}
	if r.status = cron.Queued; !deferred(c) {
		r.status, r.reason = t.verdict(c)
	}
	if r.hand && r.status == cron.Skipped {
		return contract.Claimed{Refused: r.reason}
	}
	t.insert(r)
	return r.claimed(c.ID)
}

// refuse returns the answer to the claim of a slot that is not to be inserted.
func (t *txn) refuse(c *contract.Claim, slot int64) (answer contract.Claimed, refused bool) {
	s := t.jobOf(c)
	watermark := s.watermark
	rescheduled := s.overrideAt != 0 && s.overrideAt != int64(row.MillisOf(c.Since))
	g := t.stored[c.Schedule]
	if g != nil {
		watermark = g.watermark
		rescheduled = t.rules.edited(g.revision, c.Revision) || g.known && g.job != c.Job
	}
	switch {
	case t.rules.passed(c, watermark):
		return contract.Claimed{}, true
	case c.Generation != 0 && s.generation > c.Generation:
		return contract.Claimed{Superseded: true}, true
	case t.early(c):
		return contract.Claimed{Early: time.Duration(max(slot-t.now, 1)) * time.Millisecond}, true
	case rescheduled:
		return contract.Claimed{Rescheduled: true}, true
	}
	return contract.Claimed{}, g != nil && g.spent()
}

// jobOf is the state of the job of a claim. One that does not decide about the job's own slots has not locked it.
func (t *txn) jobOf(c *contract.Claim) *jobState {
	if s := t.states[c.Job]; s.known || t.marks[c.Job] == nil {
		return s
	}
	return t.marks[c.Job]
}

// verdict decides the status of a new run.
func (t *txn) verdict(c *contract.Claim) (cron.Status, cron.Reason) {
	s, g := t.jobOf(c), t.stored[c.Schedule]
	at := c.At.UnixMilli()
	if t.sql.Locks != nil { // the database's clock, which every process shares, says when a pause ends
		at = t.now
	}
	switch {
	case c.Status == cron.Skipped:
		return cron.Skipped, c.Reason
	case c.Force:
		return c.Status, ""
	case pausedNow(s.paused, s.pausedUntil, at), g != nil && pausedNow(g.paused, g.pausedUntil, at):
		return cron.Skipped, cron.ReasonPaused
	case c.Overlap == cron.Allow:
		return c.Status, ""
	}
	occupied := s.occupied
	if g != nil {
		occupied = g.occupied
	}
	if occupied && c.Overlap == cron.Skip {
		return cron.Skipped, cron.ReasonOverlap
	}
	var active []*run
	queued := 0
	for _, r := range t.active[source{c.Job, c.Schedule}] {
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
		t.noteSkip(r, c.Detail, c.At.UnixMilli())
	case cron.Running:
		r.attempt, r.startedAt = 1, c.At.UnixMilli()
	}
	switch {
	case deferred(c):
		r.instance, r.dueAt = "", c.NotBefore.UnixMilli()
		r.leaseUntil = r.dueAt
	case r.active():
		r.leaseUntil = t.now + c.Lease.Milliseconds()
		t.active[r.source] = append(t.active[r.source], r)
		if r.group != "" && r.status == cron.Running {
			t.groups[r.group] = append(t.groups[r.group], r)
		}
	}
	t.runs[r.id] = r
	if !r.hand {
		t.slots[slotKey{r.source, r.slot}] = r
		if g := t.stored[r.schedule]; g != nil && r.status != cron.Skipped {
			g.runs++
			t.moved[r.schedule] = g
		}
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

// advanceStored is advance for the stored schedule of a claim, which then has another next slot.
func (t *txn) advanceStored(c *contract.Claim, to int64) {
	g := t.stored[c.Schedule]
	if !g.known || t.rules.edited(g.revision, c.Revision) {
		return
	}
	if to > g.watermark {
		g.watermark, g.next = to, int64(row.MillisOf(c.Next))
		t.moved[c.Schedule] = g
	}
	if g.spent() && g.next != 0 {
		g.next = 0
		t.moved[c.Schedule] = g
	}
}
