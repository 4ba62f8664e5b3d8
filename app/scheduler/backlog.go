package scheduler

import (
	"slices"
	"time"

	"fibercrons/app/cron"
	"fibercrons/app/plan"
)

// A slot that is due is claimed by the worker that is to begin its run, when there is one: the claim and the
// start are one commit then, a burst goes to all processes that have workers free, and what a process
// has claimed it also begins. Until then its job is in the backlog, unsettled.
//
// Some cannot wait. Whether a run of the job goes on decides what becomes of a slot, at the moment when it
// is due; runs that wait for each other, or for their group, are put in line in the order of their slots,
// by a process that has a worker free, since a run in line can be started by no other; and a slot that no
// worker came for in a second is claimed all the same: its run then waits in line, where all can see it.
// Younger slots of its job are left even then, for the old one may long have been another process's.

// heldBack is how long a slot waits, in ms, before it is claimed without a worker for its run.
const heldBack = 1000

// scanJobs is how many jobs are looked at before others may have the lock.
const scanJobs = 1000

// backlog is jobs that may have a slot which is due, in order of arrival. Scheduler.mu guards it.
type backlog struct {
	stretches []stretch
}

// stretch is jobs that were due at one instant, or not: whoever pulls looks at each.
type stretch struct {
	entries []*entry
	at      int64 // when they came, in ms
}

func (l *backlog) empty() bool { return len(l.stretches) == 0 }

func (l *backlog) push(entries []*entry, at int64) {
	l.stretches = append(l.stretches, stretch{entries, at})
}

// pop returns the next job, and the instant at which it came; nil: there is none.
func (l *backlog) pop() (*entry, int64) {
	for len(l.stretches) > 0 {
		st := &l.stretches[0]
		if len(st.entries) > 0 {
			e := st.entries[0]
			st.entries = st.entries[1:]
			return e, st.at
		}
		l.stretches = slices.Delete(l.stretches, 0, 1)
	}
	return nil, 0
}

// forget drops what came before at.
func (l *backlog) forget(at int64) {
	l.stretches = slices.DeleteFunc(l.stretches, func(st stretch) bool { return st.at < at })
}

// due says whether the job has a slot at now that is not settled. Scheduler.mu is held.
func (e *entry) due(now int64) bool { return e.next <= now-e.ahead && !e.superseded && !e.waits }

// held returns how long, in ms, slots of the job that are due are to wait for a worker before they are
// claimed without one. s.mu is held.
func (s *Scheduler) held(e *entry) int64 {
	overlap := e.job.Policies.Overlap
	switch {
	case s.storeError != nil:
	case s.cfg.Executor != nil: // there is no other process to leave them to
		if !e.pressing && e.newest == nil {
			return heldBack
		}
	case e.newest != nil && (overlap == cron.Skip || overlap == cron.Replace): // the run that goes on decides
	case !e.pressing || s.free == 0:
		return heldBack
	}
	return 0
}

// settle claims the slots of entries that are due at now, or puts them into the backlog.
func (s *Scheduler) settle(entries []*entry, now int64) {
	s.mu.Lock()
	wait := s.phase == ticking && s.runs.n == 0 && !s.pressing && s.storeError == nil // none of them has to be looked at
	s.mu.Unlock()
	if !wait {
		wait = s.settlePressing(entries, now)
	}
	if wait {
		s.mu.Lock()
		s.backlog.push(entries, now)
		s.pump()
		s.mu.Unlock()
	}
}

// settleAll looks at every job, if one may be due. What has been in the backlog for long is found again, or
// has been settled.
func (s *Scheduler) settleAll() {
	at := time.Now()
	now := at.UnixMilli()
	s.mu.Lock()
	s.tickedAt = at
	s.backlog.forget(now - 2*heldBack)
	idle := now < s.soonest
	if !idle {
		s.soonest = plan.Never // until they are looked at
	}
	s.mu.Unlock()
	if idle || !s.settlePressing(s.entries, now) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.backlog.empty() {
		s.backlog.push(s.entries, now)
		s.pump()
	}
}

// settlePressing claims the slots that are due and cannot wait, and says whether there are others.
func (s *Scheduler) settlePressing(entries []*entry, now int64) (others bool) {
	for len(entries) > 0 {
		b, rest, some := s.gather(entries, now)
		entries, others = rest, others || some
		if b != nil {
			s.wg.Go(func() { s.claim(b) })
		}
	}
	return others
}

// gather takes the next jobs whose slots are due and cannot wait into a batch. It returns the entries that
// it has not looked at, and whether there are jobs that can wait among the others.
func (s *Scheduler) gather(entries []*entry, now int64) (b *batch, rest []*entry, others bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase != ticking {
		return nil, nil, false
	}
	for i, e := range entries {
		if i == scanJobs {
			return s.reserve(b, now), entries[i:], others
		}
		s.expect(e)
		switch {
		case !e.due(now):
		case e.busy:
			e.again = true
		case !e.due(now - s.held(e)):
			others = true
		default:
			b = s.add(b, e)
			if s.free == 0 && !e.due(now-plan.MissedLive) { // what is late is planned as a whole
				held := s.held(e)
				b.parts[len(b.parts)-1].held, e.again = held, held > 0
			}
			if len(b.parts) == batchJobs {
				return s.reserve(b, now), entries[i+1:], others
			}
		}
	}
	return s.reserve(b, now), nil, others
}

// expect sees to it that the job is looked at when it is due. s.mu is held.
func (s *Scheduler) expect(e *entry) {
	if !e.superseded {
		s.soonest = min(s.soonest, e.next)
	}
}

// add puts a job into a batch, which it makes if there is none. s.mu is held.
func (s *Scheduler) add(b *batch, e *entry) *batch {
	if b == nil {
		b = batches.Get().(*batch)
		b.generation, b.troubles = s.generation, s.troubles
		s.claiming++
	}
	e.busy = true
	b.parts = append(b.parts, part{entry: e, table: e.table, first: e.next, ahead: e.ahead})
	return b
}

// reserve completes a batch, which may be nil, and gives it the free workers, if nothing is in line before it.
// s.mu is held.
func (s *Scheduler) reserve(b *batch, now int64) *batch {
	if b == nil {
		return nil
	}
	b.at = now
	if s.cfg.Executor == nil && s.ready.len() == 0 {
		b.permit = min(s.free, len(b.parts))
		s.free -= b.permit
	}
	return b
}

// pullable says whether a worker that comes may find something to claim. s.mu is held.
func (s *Scheduler) pullable() bool {
	return !s.backlog.empty() && s.phase == ticking && s.storeError == nil
}

// pull takes jobs that are due out of the backlog: as many as there are workers for, the calling one and
// those that are free, which the batch then has. nil: there is none. s.mu is held.
func (s *Scheduler) pull() (b *batch) {
	if !s.pullable() {
		return nil
	}
	now := time.Now().UnixMilli()
	most := min(batchJobs, s.free+1)
	for b == nil || len(b.parts) < most {
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
			b = s.add(b, e)
		}
	}
	if b == nil {
		return nil
	}
	b.at = now
	b.pulled, b.permit = true, len(b.parts)
	s.free -= b.permit - 1
	return b
}
