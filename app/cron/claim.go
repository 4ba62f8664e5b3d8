package cron

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
)

// batch is the claims of one or more jobs on their way to the store.
type batch struct {
	claims []Claim
	direct []bool // a worker is reserved for it: it begins as soon as it is won
	parts  []part
}

// part is the stretch of a batch that belongs to one job.
type part struct {
	entry *entry
	n     int
	next  int64 // the job's first slot after the stretch
	table *timetable
}

const (
	batchSize = 500  // claims after which a batch is sent off, so that its runs need not wait for the rest
	sliceSize = 1000 // claims in one call of the store
)

// batches are used again, since a burst of slots is when memory is asked for most.
var batches = sync.Pool{New: func() any {
	return &batch{claims: make([]Claim, 0, batchSize), direct: make([]bool, 0, batchSize)}
}}

func (b *batch) giveBack() {
	clear(b.claims)
	clear(b.parts)
	b.claims, b.direct, b.parts = b.claims[:0], b.direct[:0], b.parts[:0]
	batches.Put(b)
}

// newFence names a new run. The ID orders by time (RFC 9562, version 7). s.mu is held.
func (s *Scheduler) newFence() Fence {
	return Fence{ID: uuid.Must(uuid.NewV7FromReader(s.random)).String(), Token: newToken()}
}

func newToken() int64 { return rand.Int64N(1<<62) + 1 }

// settle claims every slot of entries that is due at now.
func (s *Scheduler) settle(entries []*entry, now int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase != ticking {
		return
	}
	var b *batch
	for _, e := range entries {
		if e.next > now {
			continue
		}
		if e.busy {
			e.again = true
			continue
		}
		if b == nil {
			b = batches.Get().(*batch)
		}
		s.add(b, e, now)
		if len(b.claims) >= s.batchSize {
			s.send(b)
			b = nil
		}
	}
	if b != nil {
		s.send(b)
	}
}

// send asks the store for b. s.mu is held.
func (s *Scheduler) send(b *batch) {
	s.claiming++
	if s.instant {
		s.mu.Unlock()
		s.claim(b)
		s.mu.Lock()
		return
	}
	s.wg.Go(func() { s.claim(b) })
}

// add plans the slots of e into b. s.mu is held.
func (s *Scheduler) add(b *batch, e *entry, now int64) {
	plan, next := e.plan(s.planned[:0], now, s.startedMS)
	s.planned = plan
	at := time.UnixMilli(now).UTC()
	for i := range plan {
		d := &plan[i]
		slot := time.UnixMilli(d.slot).UTC()
		c := Claim{
			Job: e.job.Name, Slot: slot, Trigger: d.trigger, Status: d.status, Reason: d.reason, Detail: d.detail,
			Overlap: d.overlap, QueueCap: s.queueCap(e, d), Group: e.job.Policies.Group,
			Instance: s.instance.ID, Lease: s.cfg.Lease, At: at, Watermark: slot, kept: e.kept,
		}
		direct := false
		if d.status == Queued {
			c.Args = s.scheduledArgs(e.job)
			if direct = s.free > 0 && s.ready.len() == 0 && (d.overlap == Skip || d.overlap == Allow) && c.Group == ""; direct {
				s.free--
				c.Status = Running
			}
		}
		if fence, ok := e.doubt[d.slot]; ok {
			c.Fence = fence
		} else {
			c.Fence = s.newFence()
		}
		b.claims = append(b.claims, c)
		b.direct = append(b.direct, direct)
	}
	e.busy = true
	b.parts = append(b.parts, part{entry: e, n: len(plan), next: next, table: e.table})
}

// queueCap bounds how many runs of a job may wait. What a catch-up puts in line is bounded by
// its own cap already.
func (s *Scheduler) queueCap(e *entry, d *due) int {
	if d.trigger == ByCatchUp {
		return e.job.Policies.CatchUpCap * 2
	}
	return e.job.Policies.CatchUpCap
}

func (s *Scheduler) scheduledArgs(j *Job) []byte {
	if j.Args == nil {
		return nil
	}
	return j.Args.Defaults
}

// claim asks the store, and begins what was won.
func (s *Scheduler) claim(b *batch) {
	results := make([]Claimed, 0, len(b.claims))
	var err error
	for claims := range slices.Chunk(b.claims, sliceSize) {
		var some []Claimed
		if some, err = s.store.Claim(s.work, claims); err != nil {
			break
		}
		results = append(results, some...)
	}

	var again []*entry
	s.mu.Lock()
	s.claiming--
	if err != nil {
		s.claimFailed(b, err)
		s.mu.Unlock()
		return // the store may still read the claims
	}
	s.claimWorks()
	i := 0
	for _, p := range b.parts {
		for range p.n {
			delete(p.entry.doubt, b.claims[i].Slot.UnixMilli())
			s.claimed(p.entry, &b.claims[i], results[i], b.direct[i])
			i++
		}
		p.entry.busy = false
		if p.entry.table == p.table { // else it was moved meanwhile, and has a new next slot
			p.entry.next = p.next
		}
		if p.entry.again {
			p.entry.again = false
			again = append(again, p.entry)
		}
	}
	s.pump()
	s.mu.Unlock()
	b.giveBack()
	if len(again) > 0 {
		s.settle(again, time.Now().UnixMilli())
	}
}

// claimed acts on the answer to one claim. s.mu is held.
func (s *Scheduler) claimed(e *entry, c *Claim, got Claimed, direct bool) *Run {
	if direct && (!got.Won || got.Status != Running) {
		s.free++
	}
	if !got.Won {
		return nil
	}
	switch got.Status {
	case Running:
		r := s.hold(e, c)
		r.status = Running
		r.attempt.Store(1)
		if direct {
			s.grant(r)
			s.wg.Go(func() { s.labour(r) })
		} else {
			s.ready.push(r)
		}
		return r
	case Queued:
		if c.Overlap == Replace {
			s.cancelOthers(e, c.ID)
		}
		r := s.hold(e, c)
		s.ready.push(r)
		return r
	default:
		e.dirty = true
		s.tell(Event{Kind: RunEnded, Job: c.Job, Record: claimRecord(c, got)})
		return nil
	}
}

func claimRecord(c *Claim, got Claimed) Record {
	rec := Record{ID: got.ID, Job: c.Job, Status: got.Status, Reason: got.Reason, Error: c.Detail, Trigger: c.Trigger, Instance: c.Instance, QueuedAt: c.At, EndedAt: &c.At, Key: c.Key, Actor: c.Actor}
	if !c.Slot.IsZero() {
		rec.Slot = &c.Slot
	}
	return rec
}

// claimFailed leaves the slots unsettled; the keeper asks again. s.mu is held.
func (s *Scheduler) claimFailed(b *batch, err error) {
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

// hold makes the run of a claim one of this process's. s.mu is held.
func (s *Scheduler) hold(e *entry, c *Claim) *Run {
	r := &Run{
		id: c.ID, job: e.job, trigger: c.Trigger, slot: c.Slot, dataSlot: c.DataSlot,
		args: c.Args, key: c.Key, actor: c.Actor, instance: s.instance.ID, log: s.log,
		journal: journal{limit: s.cfg.MaxRunLog},
	}
	r.live = live{entry: e, attempts: r.firstAttempt[:0], token: c.Token, status: Queued, queuedAt: c.At, serial: e.serial || c.Overlap == Queue || c.Overlap == Replace}
	s.keep(r)
	return r
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
