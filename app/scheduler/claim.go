package scheduler

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/millis"
	"fibercrons/app/plan"

	"github.com/google/uuid"
)

// batch is the claims of one or more jobs on their way to the store.
type batch struct {
	parts  []part
	permit int   // workers reserved: so many of the claims may begin as soon as they are won
	at     int64 // when it was made, in ms: what is due until then is claimed
	pulled bool  // by a worker; see backlog.go
	claims []contract.Claim
	// troubles of the scheduler when the batch was made
	troubles int64
	// generation of this version of the program when the batch was made
	generation int64
	direct     []bool          // parallel to claims: it has one of those workers
	won        []*run          // parallel to claims; nil: nothing to run
	runs       []run           // not yet given away
	decisions  []plan.Decision // room
}

// part is the stretch of a batch that belongs to one job. While the job is busy its next slot
// and its doubts are the batch's alone.
type part struct {
	entry *entry
	table *plan.Table
	first int64 // the job's next slot when the batch was made
	next  int64 // and after the stretch
	ahead int64 // how far the clock is ahead of the store's, as far as the job knows
	held  int64 // how old slots have to be, in ms
	n     int   // claims
	waits bool  // for the gate, with the slots from next on
}

const (
	batchJobs = 100  // jobs after which a batch is sent off, so that its runs need not wait for the rest
	sliceSize = 1000 // claims in one call of the store
)

// batches are used again, since a burst of slots is when memory is asked for most.
var batches = sync.Pool{New: func() any { return new(batch) }}

func (b *batch) giveBack() {
	clear(b.claims)
	clear(b.parts)
	clear(b.won)
	b.permit, b.pulled = 0, false
	b.claims, b.direct, b.parts, b.won, b.decisions, b.runs = b.claims[:0], b.direct[:0], b.parts[:0], b.won[:0], b.decisions[:0], nil
	batches.Put(b)
}

// newFence names a new run. The ID is a UUID that orders by time and, within a millisecond, by
// a counter (RFC 9562, version 7, section 6.2, method 1).
func (s *Scheduler) newFence(now time.Time) contract.Fence {
	n := uint64(s.named.Add(1))
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:8], uint64(now.UnixMilli())<<16|7<<12|n>>14&0xfff) //nolint:gosec // 48 bits of milliseconds last until 10889
	binary.BigEndian.PutUint64(id[8:], 1<<63|n&0x3fff<<48|rand.Uint64()>>16)
	return contract.Fence{ID: id.String(), Token: newToken()}
}

func newToken() int64 { return rand.Int64N(1<<62) + 1 }

// fill plans the slots of the batch's jobs.
func (s *Scheduler) fill(b *batch) {
	now := b.at
	at := time.UnixMilli(now).UTC()
	permits := b.permit
	n := len(b.parts) // mostly, each has one slot
	b.claims, b.direct, b.won = slices.Grow(b.claims, n), slices.Grow(b.direct, n), slices.Grow(b.won, n)
	for i := range b.parts {
		p := &b.parts[i]
		e := p.entry
		b.decisions, p.next = plan.Decide(b.decisions[:0], &e.job.Policies, p.table, p.first, now-p.ahead-p.held, s.startedMS-p.ahead)
		p.n = len(b.decisions)
		for k := range b.decisions {
			d := &b.decisions[k]
			slot := time.UnixMilli(d.Slot).UTC()
			b.claims = append(b.claims, contract.Claim{
				Job: e.job.Name, Slot: slot, Trigger: d.Trigger, Status: d.Status, Reason: d.Reason, Detail: d.Detail,
				Overlap: d.Overlap, QueueCap: e.queueCap(d), Group: e.job.Policies.Group,
				Instance: s.instance.ID, Lease: s.cfg.Lease, At: at, Watermark: slot, Generation: b.generation, Since: p.table.Since,
			})
			c := &b.claims[len(b.claims)-1]
			direct := false
			if d.Status == cron.Queued {
				c.Args = e.job.DefaultArgs()
				if direct = permits > 0 && (d.Overlap == cron.Skip || d.Overlap == cron.Allow) && c.Group == ""; direct {
					permits--
					c.Status = cron.Running
				}
			}
			if fence, ok := e.doubt[d.Slot]; ok {
				c.Fence = fence
			} else {
				c.Fence = s.newFence(at)
			}
			b.direct = append(b.direct, direct)
		}
	}
	b.permit = permits // what is left over
}

// queueCap bounds how many runs of a job may wait. What a catch-up puts in line is bounded by
// its own cap already.
func (e *entry) queueCap(d *plan.Decision) int {
	if d.Trigger == cron.ByCatchUp {
		return e.job.Policies.CatchUpCap * 2
	}
	return e.job.Policies.CatchUpCap
}

// claim asks the store, and begins what was won. Of a batch that a worker has pulled it returns a run that
// this worker is to begin; nil: it has been set free.
func (s *Scheduler) claim(b *batch) *run {
	s.fill(b)
	s.admit(b)
	results, err := s.claimAll(b.claims)
	if err != nil {
		s.claimFailed(b, err)
		return nil // the store may still read the claims
	}
	i := 0
	for _, p := range b.parts {
		for range p.n {
			b.won = append(b.won, s.won(b, p.entry, i, &results[i]))
			i++
		}
	}
	mine, again, moved := s.begin(b, results)
	b.giveBack()
	if len(again) == 0 && len(moved) == 0 {
		return mine
	}
	if mine != nil { // it does not wait for the others
		s.wg.Go(func() { s.labour(work{run: mine}) })
	}
	if len(moved) > 0 && s.followOverrides() {
		again = append(again, moved...)
	}
	s.settle(again, time.Now().UnixMilli())
	return nil
}

// begin puts the runs of a batch in line. It returns one that the calling worker is to begin, the jobs that
// were due again meanwhile, and those that have another schedule than this process knew.
func (s *Scheduler) begin(b *batch, results []contract.Claimed) (mine *run, again, moved []*entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.claiming--
	if len(b.claims) > 0 {
		s.claimWorks(b)
		s.hint()
	}
	s.free += b.permit
	var later []*entry
	i := 0
	for _, p := range b.parts {
		e := p.entry
		next := p.next
		e.ahead = 0
		for range p.n {
			if results[i].Superseded {
				next = p.first
				s.supersede(e, true)
			}
			if results[i].Rescheduled {
				next = p.first
				if !slices.Contains(moved, e) {
					moved = append(moved, e)
				}
			}
			if results[i].Early > 0 && next == p.next {
				next = b.claims[i].Slot.UnixMilli()
				s.early(e, &b.claims[i], results[i].Early)
			}
			if e.doubt != nil {
				delete(e.doubt, b.claims[i].Slot.UnixMilli())
			}
			switch r := s.claimed(e, &b.claims[i], &results[i], b.won[i], b.direct[i]); {
			case r == nil: // no worker is meant for it
			case b.pulled && mine == nil:
				mine = r
			default:
				s.wg.Go(func() { s.labour(work{run: r}) })
			}
			i++
		}
		e.busy = false
		if e.table == p.table { // else it was moved meanwhile, and has a new next slot
			e.next = next
			if e.waits = p.waits; e.waits {
				later = append(later, e)
			}
		}
		if e.again {
			e.again = false
			again = append(again, e)
		}
	}
	s.sayLeft()
	s.askLater(later)
	s.pump()
	return mine, again, moved
}

// claimAll gives claims to the store, in slices.
func (s *Scheduler) claimAll(claims []contract.Claim) ([]contract.Claimed, error) {
	if len(claims) <= sliceSize {
		return s.measured(s.work, claims)
	}
	results := make([]contract.Claimed, 0, len(claims))
	for some := range slices.Chunk(claims, sliceSize) {
		got, err := s.measured(s.work, some)
		if err != nil {
			return nil, err
		}
		results = append(results, got...)
	}
	return results, nil
}

// runsTogether bounds the runs that are allocated at once. The last of them to be let go of
// keeps the memory of all. So many fill a block of Go's allocator.
const runsTogether = 17

// won makes the run of the i-th claim; nil: there is nothing to run.
func (s *Scheduler) won(b *batch, e *entry, i int, got *contract.Claimed) *run {
	if !got.GoesOn() {
		return nil
	}
	if len(b.runs) == 0 {
		b.runs = make([]run, min(len(b.claims)-i, runsTogether))
	}
	r := &b.runs[0]
	b.runs = b.runs[1:]
	s.prepare(r, e, &b.claims[i], got)
	return r
}

// prepare fills in the run of a claim.
func (s *Scheduler) prepare(r *run, e *entry, c *contract.Claim, got *contract.Claimed) {
	slot := millis.Of(c.Slot)
	var byHand *cron.Input
	if slot == 0 {
		byHand = &cron.Input{Args: c.Args, DataSlot: c.DataSlot, Key: c.Key, Actor: c.Actor}
	}
	r.Begin((*host)(s), e.job, c.ID, c.Trigger, slot, byHand)
	r.entry, r.token, r.status, r.queuedAt = e, c.Token, got.Status, millis.Of(c.At)
	r.serial = e.serial || c.Overlap == cron.Queue || c.Overlap == cron.Replace
	if got.Status == cron.Running {
		r.NextAttempt()
	}
}

// claimed acts on the answer to one claim, of which r is the run. It returns r if a worker is to begin it
// now. s.mu is held.
func (s *Scheduler) claimed(e *entry, c *contract.Claim, got *contract.Claimed, r *run, direct bool) *run {
	if direct && (r == nil || r.status != cron.Running) {
		s.free++
	}
	switch {
	case r != nil:
		if c.Overlap == cron.Replace {
			s.cancelOthers(e, c.ID)
		}
		s.keep(r)
		if direct && r.status == cron.Running {
			s.grant(r)
			return r
		}
		s.enlist(r)
	case got.Won:
		e.dirty = true
		s.tell(contract.Event{Kind: contract.RunEnded, Job: c.Job, Record: claimRecord(c, got)})
		if e.job.HasHooks(cron.Skipped) {
			s.hooks.skipped(e.job, claimRecord(c, got))
		}
	}
	return nil
}

// claimRecord shares nothing with c, which is used again.
func claimRecord(c *contract.Claim, got *contract.Claimed) cron.Record {
	rec := cron.Record{ID: got.ID, Job: c.Job, Status: got.Status, Reason: got.Reason, Error: c.Detail, Trigger: c.Trigger, Instance: c.Instance, QueuedAt: c.At, EndedAt: millis.Optional(c.At), Key: c.Key, Actor: c.Actor}
	rec.Slot = millis.Optional(c.Slot)
	return rec
}

// claimFailed leaves the slots unsettled; settling asks again.
func (s *Scheduler) claimFailed(b *batch, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.claiming--
	s.free += b.permit
	i := 0
	for _, p := range b.parts {
		if p.entry.doubt == nil {
			p.entry.doubt = make(map[int64]contract.Fence)
		}
		for range p.n {
			p.entry.doubt[b.claims[i].Slot.UnixMilli()] = b.claims[i].Fence
			if b.direct[i] {
				s.free++
			}
			i++
		}
		p.entry.busy, p.entry.again = false, false
	}
	if s.storeError == nil {
		s.log.Error("claim failed; will retry", "slots", len(b.claims), "error", err)
	}
	s.storeError = err
	s.troubles++
	s.pump()
}

// claimWorks believes a batch that was made after the last one that failed: what was under way beside that one proves
// nothing.
func (s *Scheduler) claimWorks(b *batch) {
	if s.storeError != nil && b.troubles == s.troubles {
		s.log.Info("claims succeed again")
		s.storeError = nil
	}
}

// keep lists r among the runs of this process. s.mu is held.
func (s *Scheduler) keep(r *run) {
	s.seq++
	r.seq = s.seq
	s.runs.add(r)
}

// drop ends keep. s.mu is held.
func (s *Scheduler) drop(r *run) {
	if r.gone {
		return
	}
	r.gone = true
	s.leaveGroup(r)
	s.runs.remove(r)
	s.unfile(r)
	r.tellQueue(contract.Answer{})
	r.entry.pass(r)
	r.entry.dirty = true
	if r.done != nil {
		close(r.done)
	}
}

func (s *Scheduler) cancelOthers(e *entry, except string) {
	for r := range e.runs() {
		switch {
		case r.ID() == except:
		case r.posted:
			s.cancel(r, cron.ReasonReplaced, "")
		default:
			r.stop(cron.ReasonReplaced, "")
		}
	}
}

// repeat calls do until it succeeds, the answer is final, or ctx ends.
func (s *Scheduler) repeat(ctx context.Context, final func(error) bool, do func() error) error {
	wait := 50 * time.Millisecond
	for {
		err := do()
		if err == nil || final(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
		wait = min(2*wait, 2*time.Second)
	}
}
