package scheduler

import (
	"log/slog"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/plan"
)

// slots is where the jobs of this process stand in their schedules: what claimer.mu guards, with the entries. Its methods
// are called with the lock held, and do not block.
type slots struct {
	log *slog.Logger

	ticking bool // slots are claimed
	closed  bool // nothing is claimed any more, runs by hand neither
	backlog backlog
	soonest int64 // no job is due before it, in ms

	startedMS  int64 // when the schedules were learned
	generation int64 // of this version of the program
	syncError  error
	claimError error    // of the last claim
	troubles   int64    // claims that have failed
	fast       bool     // the log says that the clock is fast
	superseded int      // jobs that a newer version has
	left       []string // of these, those that the log does not name yet
}

const (
	heldBack = 1000 // how long a slot waits, in ms, before it is claimed without a worker for its run
	scanJobs = 1000 // how many jobs are looked at before others may have the lock
)

// pullable says whether a worker may find something to claim.
func (s *slots) pullable() bool { return !s.backlog.empty() && s.ticking && s.claimError == nil }

// calm says that slots can be claimed as usual.
func (s *slots) calm() bool { return s.ticking && s.claimError == nil }

// expect has the job looked at when it is due.
func (s *slots) expect(e *entry) {
	if !e.superseded {
		s.soonest = min(s.soonest, e.next)
	}
}

// begin makes a batch of a job that is due.
func (s *slots) begin() *batch {
	b := batches.Get().(*batch)
	b.generation, b.startedMS, b.troubles = s.generation, s.startedMS, s.troubles
	return b
}

// pull takes jobs that are due out of the backlog into a batch, up to n; nil: there is none.
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

// pressing takes the next jobs whose slots are due and cannot wait for a worker into a batch. It returns the entries that
// it has not looked at, and whether there are jobs that can wait among the others.
func (s *slots) pressing(entries []*entry, now int64, queue, free bool) (b *batch, rest []*entry, others bool) {
	for i, e := range entries {
		if i == scanJobs || b != nil && len(b.parts) == batchJobs {
			return b, entries[i:], others
		}
		s.expect(e)
		switch {
		case !e.due(now):
		case e.busy:
			e.again = true
		case !e.due(now - s.held(e, queue, free)):
			others = true
		default:
			if b == nil {
				b = s.begin()
			}
			e.busy = true
			b.add(e)
			if !free && !e.due(now-plan.MissedLive) { // what is late is planned as a whole
				held := s.held(e, queue, free)
				b.parts[len(b.parts)-1].held, e.again = held, held > 0
			}
		}
	}
	return b, nil, others
}

// held returns how long, in ms, slots of the job that are due wait for a worker before they are claimed without one.
// Queue: runs go through a queue. Free: a worker is.
func (s *slots) held(e *entry, queue, free bool) int64 {
	overlap := e.job.Policies.Overlap
	active := e.lane.Active()
	switch {
	case s.claimError != nil:
	case queue: // there is no other process to leave them to
		if !e.pressing && !active {
			return heldBack
		}
	case active && (overlap == cron.Skip || overlap == cron.Replace): // that run decides
	case !e.pressing || !free:
		return heldBack
	}
	return 0
}

// settled notes what the store has answered to the claims of a batch. It returns the jobs that were due again meanwhile,
// those that have another schedule than this process knew, those that have to wait for the gate, and when slots that
// were early are due.
func (s *slots) settled(b *batch, results []contract.Claimed) (again, moved, later []*entry, early []earlySlot) {
	if len(b.claims) > 0 && s.claimError != nil && b.troubles == s.troubles {
		// A batch that was under way beside the last one that failed proves nothing.
		s.log.Info("claims succeed again")
		s.claimError = nil
	}
	i := 0
	for _, p := range b.parts {
		e, next := p.entry, p.next
		e.ahead = 0
		change := false
		for range p.n {
			c, got := &b.claims[i], &results[i]
			if got.Superseded {
				next = p.first
				s.supersede(e, true)
			}
			if got.Rescheduled {
				next, change = p.first, true
			}
			if got.Early > 0 && next == p.next {
				next = c.Slot.UnixMilli()
				early = append(early, earlySlot{e, got.Early})
				s.early(e, c, got.Early)
			}
			if e.doubt != nil {
				delete(e.doubt, c.Slot.UnixMilli())
			}
			i++
		}
		if change {
			moved = append(moved, e)
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
	return again, moved, later, early
}

// failed leaves the slots of a batch unsettled.
func (s *slots) failed(b *batch, err error) {
	i := 0
	for _, p := range b.parts {
		if p.entry.doubt == nil {
			p.entry.doubt = make(map[int64]contract.Fence)
		}
		for range p.n {
			p.entry.doubt[b.claims[i].Slot.UnixMilli()] = b.claims[i].Fence
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

// A store with a clock of its own starts no slot before that clock has reached it: so a process whose
// clock is fast starts nothing early, and of processes with different clocks none is always the first.
// The slot stays unsettled, and is claimed again when it is due there.

// fastClock is how far the clock may be ahead before it is worth a warning.
const fastClock = time.Second

// earlySlot is a job with a slot that the store's clock has not reached.
type earlySlot struct {
	entry *entry
	by    time.Duration
}

// early notes how far the clock is ahead. Until the slot has been claimed, what is due and what was missed is judged by
// the store's clock.
func (s *slots) early(e *entry, c *contract.Claim, by time.Duration) {
	ahead := c.At.Sub(c.Slot.Add(-by))
	e.ahead = max(ahead.Milliseconds(), 0)
	if ahead >= fastClock && !s.fast {
		s.fast = true
		s.log.Warn("this machine's clock is ahead of the database's; slots start by the database's", "ahead", ahead.Round(time.Millisecond))
	}
}

// supersede notes whether a newer version has the job.
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

// sayLeft logs which jobs are newly left to a newer version.
func (s *slots) sayLeft() {
	if len(s.left) > 0 {
		s.log.Warn("a newer version of the program runs beside this one and has other schedules for these jobs, or none; they are left to it", "jobs", s.left)
		s.left = nil
	}
}
