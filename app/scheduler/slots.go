package scheduler

import (
	"log/slog"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/plan"
)

// slots is the state guarded by claimer.mu, together with the entries. Its methods are called with the lock held and do
// not block.
type slots struct {
	log *slog.Logger

	ticking bool // slots are claimed
	closed  bool // nothing is claimed any more, not even manual runs
	backlog backlog
	soonest int64 // no job is due before it, in ms

	startedMS  int64 // when the schedules were read
	generation int64 // of this version of the program
	syncError  error
	claimError error    // of the last claim
	troubles   int64    // number of failed claims
	fast       bool     // the fast clock was logged
	superseded int      // number of superseded jobs
	left       []string // superseded jobs not logged yet
}

const (
	heldBack = 1000 // how long, in ms, a slot waits for a worker
	scanJobs = 1000 // how many jobs are checked before the lock is released
)

// pullable reports whether a worker may find a slot to claim.
func (s *slots) pullable() bool { return !s.backlog.empty() && s.ticking && s.claimError == nil }

// claimable reports whether slots can be claimed.
func (s *slots) claimable() bool { return s.ticking && s.claimError == nil }

// expect makes settleAll check the job when it is due.
func (s *slots) expect(e *entry) {
	if !e.superseded && e.stored == nil { // the window expects stored schedules
		s.soonest = min(s.soonest, e.next)
	}
}

// begin returns an empty batch.
func (s *slots) begin() *batch {
	b := batches.Get().(*batch)
	b.generation, b.startedMS, b.troubles = s.generation, s.startedMS, s.troubles
	return b
}

// pull moves up to n due jobs from the backlog into a batch; nil: none.
func (s *slots) pull(now int64, n int) (b *batch) {
	if !s.pullable() {
		return nil
	}
	for n = min(n, batchJobs); b == nil || len(b.parts) < n; {
		e, at := s.backlog.pop()
		if e == nil {
			break
		}
		now = max(now, at)
		switch {
		case !e.due(now):
		case e.busy:
			e.again = true
		default:
			if b == nil {
				b = s.begin()
			}
			e.busy = true
			b.add(e)
		}
	}
	if b != nil {
		b.at, b.pulled, b.permit = now, true, len(b.parts)
	}
	return b
}

// pressing makes a batch of the next jobs whose due slots cannot wait for a worker. It returns the entries that it has
// not checked, and whether other due jobs can wait.
func (s *slots) pressing(entries []*entry, now int64, queue, free bool) (b *batch, rest []*entry, others bool) {
	for i, e := range entries {
		if i == scanJobs || b != nil && len(b.parts) == batchJobs {
			return b, entries[i:], others
		}
		s.expect(e)
		if !e.due(now) {
			continue
		}
		if e.busy {
			e.again = true
			continue
		}
		held := s.held(e, queue, free) // asked once: a run of the job may end meanwhile
		if !e.due(now - held) {
			others = true
			continue
		}
		if b == nil {
			b = s.begin()
		}
		e.busy = true
		b.add(e)
		if !free && !e.due(now-plan.MissedLive) { // late slots are planned together
			b.parts[len(b.parts)-1].held, e.again = held, held > 0
		}
	}
	return b, nil, others
}

// held returns how long, in ms, due slots of the job wait for a worker. queue: runs go through a queue. free: a worker
// is free.
func (s *slots) held(e *entry, queue, free bool) int64 {
	overlap := e.job.Policies.Overlap
	active := e.lane.Active()
	switch {
	case s.claimError != nil:
	case queue: // no other process could take them
		if !e.pressing && !active {
			return heldBack
		}
	case active && (overlap == cron.Skip || overlap == cron.Replace): // the active run decides
	case !e.pressing || !free:
		return heldBack
	}
	return 0
}

// answered notes that the store has answered the claims of a batch.
func (s *slots) answered(b *batch) {
	if len(b.claims) > 0 && s.claimError != nil && b.troubles == s.troubles { // a batch made before the last failure proves nothing
		s.log.Info("claims succeed again")
		s.claimError = nil
	}
}

// settled records the results of a batch. It returns the entries that were due again meanwhile, those whose schedule has
// changed elsewhere, those that wait for the gate, and when early slots are due.
func (s *slots) settled(b *batch, results []contract.Claimed) (again, moved, later []*entry, early []earlySlot) {
	i := 0
	for _, p := range b.parts {
		e, next := p.entry, p.next
		e.ahead = 0
		change := false
		for range p.n {
			c, got := &b.claims[i], &results[i]
			if got.Superseded {
				next = p.first
				s.supersede(e.ofJob(), true)
			}
			if got.Rescheduled {
				next, change = p.first, true
			}
			if got.Early > 0 && next == p.next {
				next = c.Slot.UnixMilli()
				early = append(early, earlySlot{e, got.Early})
				s.early(e, c, got.Early)
			}
			if e.unconfirmed != nil {
				delete(e.unconfirmed, c.Slot.UnixMilli())
			}
			i++
		}
		if change {
			moved = append(moved, e)
		}
		e.busy = false
		if e.table == p.table { // otherwise follow has set the next slot
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
	s.logSuperseded()
	return again, moved, later, early
}

// failed leaves the slots of a batch unsettled.
func (s *slots) failed(b *batch, err error) {
	i := 0
	for _, p := range b.parts {
		if p.entry.unconfirmed == nil {
			p.entry.unconfirmed = make(map[int64]contract.Fence)
		}
		for range p.n {
			p.entry.unconfirmed[b.claims[i].Slot.UnixMilli()] = b.claims[i].Fence
			i++
		}
		p.entry.busy, p.entry.again = false, false
	}
	if s.claimError == nil {
		s.log.Error("claim failed; will retry", "slots", len(b.claims), "error", err)
	}
	s.claimError = err
	s.troubles++
}

// A store with its own clock starts no slot before that clock has reached it. So a process with a fast clock starts
// nothing early and does not always win. The slot stays unsettled and is claimed again when it is due by the store's
// clock.

// fastClock is how far the clock may be ahead without a warning.
const fastClock = time.Second

// earlySlot is a job with a slot that the store's clock has not reached.
type earlySlot struct {
	entry *entry
	by    time.Duration
}

// early records how far the clock is ahead. Until the slot is claimed, the job is due by the store's clock.
func (s *slots) early(e *entry, c *contract.Claim, by time.Duration) {
	ahead := c.At.Sub(c.Slot.Add(-by))
	e.ahead = max(ahead.Milliseconds(), 0)
	if ahead >= fastClock && !s.fast {
		s.fast = true
		s.log.Warn("this machine's clock is ahead of the database's; slots start by the database's", "ahead", ahead.Round(time.Millisecond))
	}
}

// supersede records whether a newer version has changed or removed the job.
func (s *slots) supersede(e *entry, is bool) {
	switch {
	case is == e.superseded:
		return
	case is:
		s.superseded++
		s.left = append(s.left, e.job.Name)
	default:
		s.superseded--
	}
	e.superseded = is
}

// logSuperseded logs the newly superseded jobs.
func (s *slots) logSuperseded() {
	if len(s.left) > 0 {
		s.log.Warn("a newer version of the program runs beside this one and has other schedules for these jobs, or none; they are left to it", "jobs", s.left)
		s.left = nil
	}
}
