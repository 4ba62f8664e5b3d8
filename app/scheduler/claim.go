package scheduler

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/google/uuid"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/millis"
	"fibercrons/app/plan"
	"fibercrons/app/runner"
)

// newFence returns the ID and token of a new run. The ID is a UUID ordered by time and, within a millisecond, by a
// counter (RFC 9562, version 7, section 6.2, method 1).
func (c *claimer) newFence(now time.Time) contract.Fence {
	n := uint64(c.named.Add(1))
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:8], uint64(now.UnixMilli())<<16|7<<12|n>>14&0xfff) //nolint:gosec // 48 bits of milliseconds last until 10889
	binary.BigEndian.PutUint64(id[8:], 1<<63|n&0x3fff<<48|rand.Uint64()>>16)
	return contract.Fence{ID: id.String(), Token: newToken()}
}

func newToken() int64 { return rand.Int64N(1<<62) + 1 }

// fill makes the claims of the batch.
func (c *claimer) fill(b *batch) {
	at := time.UnixMilli(b.at).UTC()
	permits := b.permit
	b.claims, b.wins = slices.Grow(b.claims, len(b.parts)), slices.Grow(b.wins, len(b.parts)) // usually one slot each
	for i := range b.parts {
		p := &b.parts[i]
		e := p.entry
		b.decisions, p.next = plan.Decide(b.decisions[:0], &e.job.Policies, p.table, p.first, b.at-p.ahead-p.held, b.startedMS-p.ahead)
		p.n = len(b.decisions)
		for k := range b.decisions {
			d := &b.decisions[k]
			slot := time.UnixMilli(d.Slot).UTC()
			b.claims = append(b.claims, contract.Claim{
				Job: e.job.Name, Schedule: e.schedule(), Slot: slot, Trigger: d.Trigger, Status: d.Status, Reason: d.Reason, Detail: d.Detail,
				Overlap: d.Overlap, QueueCap: e.queueCap(d), Group: e.job.Policies.Group,
				Instance: c.instance.ID, Lease: c.cfg.Lease, At: at, Watermark: slot, Generation: b.generation, Since: p.table.Since, Revision: p.table.Revision,
			})
			claim := &b.claims[len(b.claims)-1]
			win := runner.Win{Replace: d.Overlap == cron.Replace}
			if d.Status == cron.Queued {
				claim.Args = e.args()
				if permits > 0 && (d.Overlap == cron.Skip || d.Overlap == cron.Allow) && claim.Group == "" {
					permits--
					claim.Status, win.Worker = cron.Running, true
				}
			}
			if fence, ok := e.unconfirmed[d.Slot]; ok {
				claim.Fence = fence
			} else {
				claim.Fence = c.newFence(at)
			}
			b.wins = append(b.wins, win)
		}
		p.close(b)
	}
	b.permit = permits // the rest
}

// close tells the last claims of the part, which stand for all slots before the next, about that.
func (p *part) close(b *batch) {
	claims := b.claims[len(b.claims)-p.n:]
	for i := range claims {
		next := p.next
		if i+1 < len(claims) {
			next = claims[i+1].Slot.UnixMilli()
		}
		claims[i].Next = instantOf(next)
	}
	if p.n == 1 && claims[0].Reason == cron.ReasonMissed && p.next != plan.Never {
		// The row may stand for many slots. None lies between it and the next, nor after now.
		claims[0].Watermark = time.UnixMilli(max(claims[0].Slot.UnixMilli(), min(p.next-1, b.at-p.ahead))).UTC()
	}
}

// instantOf returns a slot, in ms, as an instant; of [plan.Never] the zero time.
func instantOf(slot int64) time.Time {
	if slot == plan.Never {
		return time.Time{}
	}
	return time.UnixMilli(slot).UTC()
}

// claim claims a batch and begins the won runs. If a worker has pulled the batch, it returns a run for that worker, or
// nil if the worker is free.
func (c *claimer) claim(b *batch) *runner.Run {
	c.fill(b)
	c.gate.admit(b)
	results, err := claimAll(c.calls, c.cfg, b.claims)
	if err != nil {
		c.claimFailed(b, err)
		return nil // the store may still read the claims
	}
	c.answered(b)
	c.won(b, results)
	mine := c.runner.Accept(b.wins, b.permit, b.pulled)
	again, moved := c.claimed(b, results)
	b.giveBack()
	if len(again) == 0 && len(moved) == 0 {
		return mine
	}
	if mine != nil { // it need not wait for the others
		c.runner.Work(mine)
	}
	if len(moved) > 0 && c.followOverrides() {
		again = append(again, moved...)
	}
	c.settle(again, time.Now().UnixMilli())
	return nil
}

// won makes the runs of won claims and reports skipped slots.
func (c *claimer) won(b *batch, results []contract.Claimed) {
	i := 0
	for _, p := range b.parts {
		for range p.n {
			claim, got := &b.claims[i], &results[i]
			switch {
			case got.GoesOn():
				b.wins[i].Run = b.newRun(i)
				c.runner.Init(b.wins[i].Run, p.entry.lane, claim, got)
			case got.Won:
				c.skipped(p.entry.lane, claimRecord(claim, got))
			}
			i++
		}
	}
}

// skipped reports a recorded skipped slot.
func (c *claimer) skipped(lane *runner.Lane, rec cron.Record) {
	lane.NoteEnd()
	c.events.Tell(func() contract.Event { return contract.Event{Kind: contract.RunEnded, Job: rec.Job, Record: rec} })
	c.runner.Skipped(lane.Job, rec)
}

// claimRecord shares no memory with c, which is reused.
func claimRecord(c *contract.Claim, got *contract.Claimed) cron.Record {
	rec := cron.Record{ID: got.ID, Job: c.Job, Status: got.Status, Reason: got.Reason, Error: c.Detail, Trigger: c.Trigger, Instance: c.Instance, QueuedAt: c.At, EndedAt: millis.Optional(c.At), Key: c.Key, Actor: c.Actor}
	rec.Schedule, rec.Slot = cron.ScheduleOf(c.Schedule), millis.Optional(c.Slot)
	return rec
}

// answered notes that claims can be made. What is in the backlog can be pulled again, before [runner.Runner.Accept] looks.
func (c *claimer) answered(b *batch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.slots.answered(b)
}

// claimed records the results of a batch. It returns the entries that were due again meanwhile, and the jobs whose
// schedule has changed elsewhere.
func (c *claimer) claimed(b *batch, results []contract.Claimed) (again, moved []*entry) {
	c.mu.Lock()
	again, moved, later, early := c.slots.settled(b, results)
	if c.settledStored(b, moved) {
		moved = slices.DeleteFunc(moved, func(e *entry) bool { return e.stored != nil })
		c.setAlarm()
	}
	c.mu.Unlock()
	c.claiming.Add(-1)
	for _, slot := range early {
		c.ticks.after(slot.by, slot.entry)
	}
	c.retryLater(later)
	return again, moved
}

// claimFailed leaves the slots unsettled, to be retried.
func (c *claimer) claimFailed(b *batch, err error) {
	c.mu.Lock()
	c.slots.failed(b, err)
	c.mu.Unlock()
	c.claiming.Add(-1)
	c.runner.Release(b.workers())
}

// claimAll claims in chunks.
func claimAll(ctx context.Context, cfg *Config, claims []contract.Claim) ([]contract.Claimed, error) {
	if len(claims) <= sliceSize {
		return measured(ctx, cfg, claims)
	}
	results := make([]contract.Claimed, 0, len(claims))
	for some := range slices.Chunk(claims, sliceSize) {
		got, err := measured(ctx, cfg, some)
		if err != nil {
			return nil, err
		}
		results = append(results, got...)
	}
	return results, nil
}

// measured calls Claims.Claim and [Config].Claimed.
func measured(ctx context.Context, cfg *Config, claims []contract.Claim) ([]contract.Claimed, error) {
	if cfg.Claimed == nil {
		return cfg.Store.Claim(ctx, claims)
	}
	began := time.Now()
	results, err := cfg.Store.Claim(ctx, claims)
	call := contract.ClaimCall{Took: time.Since(began), Err: err}
	for _, got := range results {
		switch {
		case got.Won:
			call.Won++
		case got.Early > 0 || got.Superseded: // not claimed yet, or a newer version's
		case got.Refused == "":
			call.Lost++
		}
	}
	cfg.Claimed(call)
	return results, err
}

// queueCap limits the waiting runs of the job. A catch-up has its own limit.
func (e *entry) queueCap(d *plan.Decision) int {
	if d.Trigger == cron.ByCatchUp {
		return e.job.Policies.CatchUpCap * 2
	}
	return e.job.Policies.CatchUpCap
}

// newRun returns memory for the run of the i-th claim.
func (b *batch) newRun(i int) *runner.Run {
	if len(b.runs) == 0 {
		b.runs = make([]runner.Run, min(len(b.claims)-i, runsTogether))
	}
	r := &b.runs[0]
	b.runs = b.runs[1:]
	return r
}

// workers returns the number of workers reserved for the batch.
func (b *batch) workers() int {
	n := b.permit
	for i := range b.wins {
		if b.wins[i].Worker {
			n++
		}
	}
	return n
}
