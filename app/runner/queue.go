package runner

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
	blockedWait    = time.Second      // before a blocked run is retried
	unknownJobWait = 10 * time.Second // before another process may take the ticket of a job unknown here
	storeWait      = 2 * time.Second  // before a failed store call is retried
)

// WorkQueue starts the queue consumer.
func (rn *Runner) WorkQueue() { rn.takers.Go(rn.consume) }

// consume works the queue until taking ends.
func (rn *Runner) consume() {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		rn.noteWork(nil)
		err := rn.Executor.Work(rn.taking, consumer{rn.work})
		if rn.taking.Err() != nil {
			return
		}
		if err == nil {
			err = errors.New("it stopped by itself")
		}
		rn.Log.Error("queue consumer failed; retrying", "error", err)
		rn.noteWork(err)
		select {
		case <-rn.taking.Done():
			return
		case <-time.After(wait):
		}
	}
}

func (rn *Runner) noteWork(err error) {
	rn.st.Lock()
	defer rn.st.Unlock()
	rn.st.workError = err
}

// consumer makes the attempts of tickets.
type consumer struct{ *worker }

// Do implements [contract.Worker].
func (c consumer) Do(ctx context.Context, t contract.Ticket) contract.Answer {
	c.st.Lock()
	if c.st.draining {
		c.st.Unlock()
		return contract.Answer{Again: blockedWait}
	}
	c.Tasks.Add(1)
	defer c.Tasks.Done()
	r, a := c.st.accept(t)
	c.st.Unlock()
	if r == nil && a == nil {
		r, a = c.fetch(t)
	}
	if r == nil {
		return *a
	}
	over := r.over
	if a := c.commence(r); a != nil {
		return *a
	}
	cancelled := ctx.Done()
	for {
		select {
		case a := <-over:
			return a
		case <-c.Calls.Done(): // the run is abandoned at shutdown
			return contract.Answer{}
		case <-cancelled:
			cancelled = nil
			if err := c.cancelStored(t.Run); err != nil {
				contract.LogRun(c.Log, t.Job, t.Run, t.Schedule).Error("a run that was cancelled in the queue could not be cancelled", "error", err)
			}
		}
	}
}

// cancelStored stores the queue's cancel request and cancels the run if it is here.
func (c consumer) cancelStored(id string) error {
	const actor = "queue"
	if _, err := c.Store.Cancel(c.Calls, id, cron.ReasonRequested, actor); err != nil {
		return err
	}
	c.st.Lock()
	defer c.st.Unlock()
	if r := c.st.runs.find(id); r != nil {
		c.st.cancel(r, cron.ReasonRequested, actor)
	}
	return nil
}

// Alive implements [contract.Worker].
func (c consumer) Alive(ctx context.Context, t contract.Ticket) bool {
	rec, err := c.Store.Run(ctx, t.Run)
	if err != nil {
		return !errors.Is(err, cron.ErrNotFound)
	}
	return rec.Token == t.Token && rec.Status == cron.Running && rec.Attempt == t.Attempt
}

// void answers a ticket that is out of date.
func void() *contract.Answer { return &contract.Answer{} }

func later(d time.Duration) *contract.Answer {
	return &contract.Answer{Again: max(d, time.Millisecond)}
}

// accept returns the run of a ticket that this process sent, without a store query. If it returns neither a run nor an
// answer, the store must be read.
//
// A run may have several tickets in the queue after a takeover or retry, and this process's state may be out of date.
// So a ticket is void without a store query only if it is already handled or its attempt was made. A ticket wrongly
// void would delay the run by two leases, until it is sent again.
func (st *state) accept(t contract.Ticket) (*Run, *contract.Answer) {
	r := st.Lane(t.Job, t.Schedule).find(t.Run)
	if r == nil || r.token != t.Token || t.Attempt > r.Attempt()+1 {
		other, taking := st.taking[t.Run]
		switch {
		case !taking:
			st.taking[t.Run] = t
			return nil, nil
		case other.Same(t):
			return nil, void() // delivered twice; the other delivery handles it
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

// fetch reads the run of another process's ticket from the store.
func (c consumer) fetch(t contract.Ticket) (*Run, *contract.Answer) {
	r, a := c.read(t)
	if r == nil {
		c.st.Lock()
		defer c.st.Unlock()
		delete(c.st.taking, t.Run)
	}
	return r, a
}

func (c consumer) read(t contract.Ticket) (*Run, *contract.Answer) {
	rec, err := c.Store.Run(c.Calls, t.Run)
	switch {
	case errors.Is(err, cron.ErrNotFound):
		return nil, void() // ended and pruned
	case err != nil:
		return nil, later(storeWait)
	case rec.Token != t.Token || rec.Status != cron.Queued || rec.Attempt+1 != t.Attempt:
		return nil, void()
	}
	l := c.Lane(rec.Job, rec.ScheduleID())
	switch {
	case l == nil || l.Job.Disabled != "":
		return nil, later(unknownJobWait)
	case rec.NextAt != nil && time.Until(*rec.NextAt) > 0:
		return nil, later(time.Until(*rec.NextAt))
	case c.holds(l, rec.ID):
		return nil, later(blockedWait)
	}
	r := restored(c.st.host, l, &rec, rec.Token, rec.Attempts)
	if rec.StartedAt != nil {
		r.startedAt = millis.Of(*rec.StartedAt)
	}
	r.begun = true
	r.over = make(chan contract.Answer, 1)
	return r, nil
}

// holds reports whether this process still has the run as of before another process took it over or started it. It
// drops the run when it learns of that, or when the function has returned.
func (c consumer) holds(l *Lane, id string) bool {
	c.st.Lock()
	defer c.st.Unlock()
	return l.find(id) != nil
}

// commence commits the start of the attempt and begins it. A non-nil answer says that it has not begun; without that
// commit the run's owner does not change.
func (c consumer) commence(r *Run) *contract.Answer {
	if c.tooLate(r) {
		return nil
	}
	out, err := c.ask(r)
	c.st.Lock()
	defer c.st.Unlock()
	st := c.st
	st.looked(r)
	switch {
	case err != nil:
		r.over = nil
		if r.posted {
			st.drop(r)
		}
		if fenced(err) {
			return void()
		}
		return later(storeWait)
	case out.Blocked:
		r.over, r.begun = nil, false
		if r.posted { // any resend was cancelled: the queue has the ticket, but may still lose it
			r.sent.at = time.Now().Add(max(r.sent.wait, 2*c.Lease))
		}
		return later(blockedWait)
	case out.Cancelled:
		st.own(r)
		r.stop(out.Reason, "")
		st.end(r, r.cancelled())
	default:
		st.own(r)
		st.free--
		c.Tasks.Go(func() { c.serve(c.invoke(r)) })
	}
	return nil
}

// tooLate ends a run whose start deadline has passed.
func (c consumer) tooLate(r *Run) bool {
	c.st.Lock()
	defer c.st.Unlock()
	if !r.late() {
		return false
	}
	c.st.looked(r)
	c.st.own(r)
	c.st.end(r, r.unstarted(cron.Skipped, cron.ReasonLate, plan.LateDetail(r.Definition().Policies.StartWithin)))
	return true
}
