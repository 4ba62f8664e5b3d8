package scheduler

import (
	"context"
	"errors"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/millis"
	"fibercrons/app/plan"
)

const (
	blockedWait = time.Second      // until a run tries again that another of its job or group blocks, or its own past
	strangeWait = 10 * time.Second // until another process, of another version, may have the ticket of a job unknown here
	storeWait   = 2 * time.Second  // until the store is asked again that did not answer
)

// worker makes the attempts that tickets ask for.
type worker struct{ *Scheduler }

// workQueue begins to work the queue, if that is this process's to do.
func (s *Scheduler) workQueue() {
	if s.cfg.Executor != nil && s.cfg.Role != contract.SchedulerOnly {
		s.takers.Go(func() { s.working(s.take) })
	}
}

// onlyWork is [Scheduler.Run] for a process that claims no slots. What the jobs are is for the
// schedulers to tell the store.
func (s *Scheduler) onlyWork(ctx context.Context) error {
	tick := func() {
		s.mu.Lock()
		s.phase, s.tickedAt = ticking, time.Now()
		s.mu.Unlock()
	}
	tick()
	s.workQueue()
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for {
		select {
		case <-ctx.Done():
			return s.Close(context.Background())
		case <-second.C:
			tick()
		}
	}
}

// working works the queue until ctx ends.
func (s *Scheduler) working(ctx context.Context) {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		s.workResult(nil)
		err := s.cfg.Executor.Work(ctx, worker{s})
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			err = errors.New("it stopped by itself")
		}
		s.log.Error("queue consumer failed; retrying", "error", err)
		s.workResult(err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

func (s *Scheduler) workResult(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outbox.work = err
}

// Do implements [contract.Worker].
func (s worker) Do(ctx context.Context, t contract.Ticket) contract.Answer {
	s.mu.Lock()
	if s.phase >= draining {
		s.mu.Unlock()
		return contract.Answer{Again: blockedWait}
	}
	s.wg.Add(1)
	defer s.wg.Done()
	r, out := s.accept(t)
	s.mu.Unlock()
	if r == nil && out == nil {
		r, out = s.fetch(t)
	}
	if r == nil {
		return *out
	}
	over := r.over
	if out := s.commence(r); out != nil {
		return *out
	}
	cancelled := ctx.Done()
	for {
		select {
		case out := <-over:
			return out
		case <-s.work.Done(): // it is left behind by a process that ends
			return contract.Answer{}
		case <-cancelled:
			cancelled = nil
			if _, err := s.Cancel(s.work, t.Run, "queue"); err != nil {
				s.log.Error("a run that was cancelled in the queue could not be cancelled", "job", t.Job, "run", t.Run, "error", err)
			}
		}
	}
}

// Alive implements [contract.Worker].
func (s worker) Alive(ctx context.Context, t contract.Ticket) bool {
	rec, err := s.store.Run(ctx, t.Run)
	if err != nil {
		return !errors.Is(err, cron.ErrNotFound)
	}
	return rec.Token == t.Token && rec.Status == cron.Running && rec.Attempt == t.Attempt
}

// void says that a ticket does not count.
func void() *contract.Answer { return &contract.Answer{} }

func later(d time.Duration) *contract.Answer {
	return &contract.Answer{Again: max(d, time.Millisecond)}
}

// accept takes the run of a ticket that this process itself has posted, which spares a look at the
// store. Neither a run nor an outcome: the store has to be asked. s.mu is held.
//
// A run may have several tickets in the queue, since it was taken over or is at a later attempt, and the one
// that this process has, or looks at, may be out of date. So without the store a ticket is void only if it is
// the same, and seen to already, or if its attempt was made. A wrong void would leave the run waiting until
// its holder sends the ticket again, two leases later.
func (s *Scheduler) accept(t contract.Ticket) (*run, *contract.Answer) {
	r := s.byName[t.Job].run(t.Run)
	if r == nil || r.token != t.Token || t.Attempt > r.Attempt()+1 {
		other, taking := s.outbox.taking[t.Run]
		switch {
		case !taking:
			s.outbox.taking[t.Run] = t
			return nil, nil
		case other.Same(t):
			return nil, void() // delivered twice; the other delivery sees to it
		}
		return nil, later(blockedWait)
	}
	switch {
	case !r.posted || r.begun || r.ending || t.Attempt <= r.Attempt():
		return nil, void()
	case time.Until(r.nextAt.UTC()) > 0:
		return nil, later(time.Until(r.nextAt.UTC()))
	}
	r.begun = true
	r.over = make(chan contract.Answer, 1)
	return r, nil
}

// fetch makes the run of a ticket that another process has posted, as the store has it.
func (s *Scheduler) fetch(t contract.Ticket) (*run, *contract.Answer) {
	r, out := s.read(t)
	if r == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.outbox.taking, t.Run)
	}
	return r, out
}

func (s *Scheduler) read(t contract.Ticket) (*run, *contract.Answer) {
	rec, err := s.store.Run(s.work, t.Run)
	switch {
	case errors.Is(err, cron.ErrNotFound):
		return nil, void() // ended, and pruned since
	case err != nil:
		return nil, later(storeWait)
	case rec.Token != t.Token || rec.Status != cron.Queued || rec.Attempt+1 != t.Attempt:
		return nil, void()
	}
	e := s.byName[rec.Job]
	switch {
	case e == nil || e.job.Disabled != "":
		return nil, later(strangeWait)
	case rec.NextAt != nil && time.Until(*rec.NextAt) > 0:
		return nil, later(time.Until(*rec.NextAt))
	case s.holds(rec):
		return nil, later(blockedWait)
	}
	r := s.restore(rec, rec.Token, rec.Attempts)
	if rec.StartedAt != nil {
		r.startedAt = millis.Of(*rec.StartedAt)
	}
	r.begun = true
	r.over = make(chan contract.Answer, 1)
	return r, nil
}

// holds says whether this process still has the run as it was before another took it over or started it. It
// lets go of it when it hears of that, or when the function that goes on here has returned.
func (s *Scheduler) holds(rec cron.Record) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byName[rec.Job].run(rec.ID) != nil
}

// commence commits the start of the attempt and begins it. An outcome says that it has not begun: until
// its start is committed the run stays whose it was.
func (s *Scheduler) commence(r *run) *contract.Answer {
	if s.tooLateFor(r) {
		return nil
	}
	out, err := s.ask(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.untake(r)
	switch {
	case err != nil:
		r.over = nil
		if r.posted {
			s.drop(r)
		}
		if fenced(err) {
			return void()
		}
		return later(storeWait)
	case out.Blocked:
		r.over, r.begun = nil, false
		if r.posted { // a ticket that was to be sent again meanwhile was not: the queue has it, and may yet lose it
			r.sent.at = time.Now().Add(max(r.sent.wait, 2*s.cfg.Lease))
		}
		return later(blockedWait)
	case out.Cancelled:
		s.own(r)
		r.stop(out.Reason, "")
		f := s.unstarted(r, cron.Cancelled, r.stopped.reason, r.stopped.Error())
		s.endLater(r, f)
	default:
		s.own(r)
		s.free--
		s.wg.Go(func() { s.labour(s.invoke(r)) })
	}
	return nil
}

// tooLateFor ends a run whose deadline for the start has passed.
func (s *Scheduler) tooLateFor(r *run) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !r.late() {
		return false
	}
	s.untake(r)
	s.own(r)
	s.endLater(r, s.unstarted(r, cron.Skipped, cron.ReasonLate, plan.LateDetail(r.Definition().Policies.StartWithin)))
	return true
}

// untake ends the look at the ticket of a run that came from the store. Who works a run that was this
// process's already looked at none; what is noted then is another's. s.mu is held.
func (s *Scheduler) untake(r *run) {
	if r.seq == 0 {
		delete(s.outbox.taking, r.ID())
	}
}

// own makes a run this process's. s.mu is held.
func (s *Scheduler) own(r *run) {
	r.posted, r.nextAt = false, 0
	if r.seq == 0 { // it came from the store
		s.keep(r)
	}
}

// tellQueue says to whoever works the ticket of r what became of it. s.mu is held.
func (r *run) tellQueue(out contract.Answer) {
	if r.over != nil {
		r.over <- out
		r.over = nil
	}
}
