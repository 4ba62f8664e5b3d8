package cron

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
)

// batch is the claims of one or more jobs on their way to the store.
type batch struct {
	parts  []part
	permit int // workers reserved: so many of the claims may begin as soon as they are won
	claims []Claim
	direct []bool // parallel to claims: it has one of those workers
	won    []*Run // parallel to claims; nil: nothing to run
	plan   []due  // room
}

// part is the stretch of a batch that belongs to one job. While the job is busy its next slot
// and its doubts are the batch's alone.
type part struct {
	entry *entry
	table *timetable
	first int64 // the job's next slot when the batch was made
	next  int64 // and after the stretch
	n     int   // claims
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
	b.claims, b.direct, b.parts, b.won, b.plan = b.claims[:0], b.direct[:0], b.parts[:0], b.won[:0], b.plan[:0]
	batches.Put(b)
}

// newFence names a new run. The ID is a UUID that orders by time and, within a millisecond, by
// a counter (RFC 9562, version 7, section 6.2, method 1).
func (s *Scheduler) newFence(now time.Time) Fence {
	n := uint64(s.named.Add(1))
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:8], uint64(now.UnixMilli())<<16|7<<12|n>>14&0xfff) //nolint:gosec // 48 bits of milliseconds last until 10889
	binary.BigEndian.PutUint64(id[8:], 1<<63|n&0x3fff<<48|rand.Uint64()>>16)
	return Fence{ID: id.String(), Token: newToken()}
}

func newToken() int64 { return rand.Int64N(1<<62) + 1 }

// settle claims every slot of entries that is due at now.
func (s *Scheduler) settle(entries []*entry, now int64) {
	for len(entries) > 0 {
		var b *batch
		b, entries = s.gather(entries, now)
		switch {
		case b == nil:
			return
		case s.memory != nil:
			s.claim(b, now)
		default:
			s.wg.Go(func() { s.claim(b, now) })
		}
	}
}

// gather takes the next jobs that are due into a batch, and returns the entries it has not
// looked at.
func (s *Scheduler) gather(entries []*entry, now int64) (*batch, []*entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase != ticking {
		return nil, nil
	}
	var b *batch
	for i, e := range entries {
		if e.next > now {
			continue
		}
		if e.busy {
			e.again = true
			continue
		}
		if b == nil {
			b = batches.Get().(*batch)
			s.claiming++
		}
		e.busy = true
		b.parts = append(b.parts, part{entry: e, table: e.table, first: e.next})
		if len(b.parts) == s.batchJobs {
			return s.reserve(b), entries[i+1:]
		}
	}
	return s.reserve(b), nil
}

// reserve gives a batch the free workers, if nothing is in line before it. s.mu is held.
func (s *Scheduler) reserve(b *batch) *batch {
	if b != nil && s.ready.len() == 0 {
		b.permit = min(s.free, len(b.parts))
		s.free -= b.permit
	}
	return b
}

// fill plans the slots of the batch's jobs.
func (s *Scheduler) fill(b *batch, now int64) {
	at := time.UnixMilli(now).UTC()
	permits := b.permit
	for i := range b.parts {
		p := &b.parts[i]
		e := p.entry
		b.plan, p.next = e.plan(b.plan[:0], p.table, p.first, now, s.startedMS)
		p.n = len(b.plan)
		for k := range b.plan {
			d := &b.plan[k]
			slot := time.UnixMilli(d.slot).UTC()
			c := Claim{
				Job: e.job.Name, Slot: slot, Trigger: d.trigger, Status: d.status, Reason: d.reason, Detail: d.detail,
				Overlap: d.overlap, QueueCap: e.queueCap(d), Group: e.job.Policies.Group,
				Instance: s.instance.ID, Lease: s.cfg.Lease, At: at, Watermark: slot, kept: e.kept,
			}
			direct := false
			if d.status == Queued {
				c.Args = e.scheduledArgs()
				if direct = permits > 0 && (d.overlap == Skip || d.overlap == Allow) && c.Group == ""; direct {
					permits--
					c.Status = Running
				}
			}
			if fence, ok := e.doubt[d.slot]; ok {
				c.Fence = fence
			} else {
				c.Fence = s.newFence(at)
			}
			b.claims = append(b.claims, c)
			b.direct = append(b.direct, direct)
		}
	}
	b.permit = permits // what is left over
}

// queueCap bounds how many runs of a job may wait. What a catch-up puts in line is bounded by
// its own cap already.
func (e *entry) queueCap(d *due) int {
	if d.trigger == ByCatchUp {
		return e.job.Policies.CatchUpCap * 2
	}
	return e.job.Policies.CatchUpCap
}

func (e *entry) scheduledArgs() []byte {
	if e.job.Args == nil {
		return nil
	}
	return e.job.Args.Defaults
}

// claim asks the store, and begins what was won.
func (s *Scheduler) claim(b *batch, now int64) {
	s.fill(b, now)
	results := make([]Claimed, 0, len(b.claims))
	var err error
	for claims := range slices.Chunk(b.claims, sliceSize) {
		var some []Claimed
		if some, err = s.ask(s.work, claims); err != nil {
			break
		}
		results = append(results, some...)
	}
	if err != nil {
		s.claimFailed(b, err)
		return // the store may still read the claims
	}
	i := 0
	for _, p := range b.parts {
		for range p.n {
			b.won = append(b.won, s.won(p.entry, &b.claims[i], results[i]))
			i++
		}
	}
	if again := s.begin(b, results); len(again) > 0 {
		s.settle(again, time.Now().UnixMilli())
	}
	b.giveBack()
}

// begin puts the runs of a batch in line, and returns the jobs that were due again meanwhile.
func (s *Scheduler) begin(b *batch, results []Claimed) (again []*entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.claiming--
	s.claimWorks()
	s.hint()
	s.free += b.permit
	i := 0
	for _, p := range b.parts {
		e := p.entry
		for range p.n {
			delete(e.doubt, b.claims[i].Slot.UnixMilli())
			s.claimed(e, &b.claims[i], results[i], b.won[i], b.direct[i])
			i++
		}
		e.busy = false
		if e.table == p.table { // else it was moved meanwhile, and has a new next slot
			e.next = p.next
		}
		if e.again {
			e.again = false
			again = append(again, e)
		}
	}
	s.pump()
	return again
}

// won makes the run of a claim; nil: there is nothing to run.
func (s *Scheduler) won(e *entry, c *Claim, got Claimed) *Run {
	if !got.Won || got.Status.Ended() {
		return nil
	}
	r := &Run{
		id: c.ID, job: e.job, trigger: c.Trigger, slot: c.Slot, dataSlot: c.DataSlot,
		args: c.Args, key: c.Key, actor: c.Actor, instance: s.instance.ID, trace: s.trace(c.ID), log: s.log,
		journal: journal{limit: s.cfg.MaxRunLog},
	}
	r.live = live{
		entry: e, token: c.Token, status: got.Status, queuedAt: c.At,
		serial: e.serial || c.Overlap == Queue || c.Overlap == Replace,
	}
	r.attempts = r.firstAttempt[:0]
	if got.Status == Running {
		r.attempt.Store(1)
	}
	return r
}

// claimed acts on the answer to one claim, of which r is the run. s.mu is held.
func (s *Scheduler) claimed(e *entry, c *Claim, got Claimed, r *Run, direct bool) {
	if direct && (r == nil || r.status != Running) {
		s.free++
	}
	switch {
	case r != nil:
		if c.Overlap == Replace {
			s.cancelOthers(e, c.ID)
		}
		s.keep(r)
		if direct && r.status == Running {
			s.grant(r)
			s.wg.Go(func() { s.labour(r) })
			return
		}
		s.ready.push(r)
	case got.Won:
		e.dirty = true
		s.tell(Event{Kind: RunEnded, Job: c.Job, Record: claimRecord(c, got)})
	}
}

func claimRecord(c *Claim, got Claimed) Record {
	rec := Record{ID: got.ID, Job: c.Job, Status: got.Status, Reason: got.Reason, Error: c.Detail, Trigger: c.Trigger, Instance: c.Instance, QueuedAt: c.At, EndedAt: &c.At, Key: c.Key, Actor: c.Actor}
	if !c.Slot.IsZero() {
		rec.Slot = &c.Slot
	}
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
			p.entry.doubt = make(map[int64]Fence)
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
		s.log.Error("claiming slots does not work; they are kept and asked for again", "slots", len(b.claims), "error", err)
	}
	s.storeError = err
	s.pump()
}

func (s *Scheduler) claimWorks() {
	if s.storeError != nil {
		s.log.Info("claiming slots works again")
		s.storeError = nil
	}
}

// keep lists r among the runs of this process. s.mu is held.
func (s *Scheduler) keep(r *Run) {
	s.seq++
	r.seq = s.seq
	r.entry.held++
	s.runs[r.id] = r
}

// drop ends keep. s.mu is held.
func (s *Scheduler) drop(r *Run) {
	if r.gone {
		return
	}
	r.gone = true
	delete(s.runs, r.id)
	r.entry.held--
	r.entry.pass(r)
	r.entry.dirty = true
	if r.done != nil {
		close(r.done)
	}
}

func (s *Scheduler) cancelOthers(e *entry, except string) {
	if e.held == 0 {
		return
	}
	for id, r := range s.runs {
		if r.entry == e && id != except {
			r.stop(ReasonReplaced, "")
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
