package runner

import (
	"slices"
	"sync"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/millis"
	"fibercrons/app/plan"
)

// state is the runs and what they wait for. Its methods are called with the lock held and do not block. Slow work goes
// to effects.
type state struct {
	*Config
	host  *host
	hooks *hookPool
	do    effects
	sign  chan struct{} // there is a ticket to send

	sync.Mutex
	free     int  // workers without a run
	waking   bool // one of them has been woken
	draining bool // no attempt begins any more
	seq      int64
	runs     activeRuns
	line     line

	tickets   []*Run                     // to be sent to the queue
	taking    map[string]contract.Ticket // by run: the ticket being read from the store, until the run is this process's
	sendError error                      // of the last call of Enqueue
	workError error                      // of the last call of Work
}

// effects is the slow work that follows from a change. Each call has its own goroutine and no lock.
type effects interface {
	// wakeWorker makes a free worker look for work.
	wakeWorker()
	// serve executes a run in a worker.
	serve(r *Run)
	// end commits the end of a run or an attempt.
	end(r *Run, f contract.Finish)
	// giveBack releases a run that has not started, for any process.
	giveBack(r *Run)
	// leaveGroup releases a run's group place.
	leaveGroup(r *Run)
	// attemptDue enlists a run whose next attempt is due.
	attemptDue(r *Run)
	// retryBlocked retries the first run of r's job or group that waits for another process.
	retryBlocked(r *Run, w *remoteWait)
}

// keep adds r to the runs of this process.
func (st *state) keep(r *Run) {
	st.seq++
	r.seq = st.seq
	st.runs.add(r)
}

// drop removes r from them.
func (st *state) drop(r *Run) {
	if r.gone {
		return
	}
	r.gone = true
	st.leaveGroup(r)
	st.runs.remove(r)
	st.dequeue(r)
	r.answer(contract.Answer{})
	r.lane.pass(r)
	r.lane.NoteEnd()
	if r.done != nil {
		close(r.done)
	}
}

// pump wakes a free worker if there is work. That worker wakes the next before it begins, so a burst of short runs uses
// only as many workers as it needs.
func (st *state) pump() {
	if st.free > 0 && !st.waking && (st.line.len() > 0 || st.Source.Due()) {
		st.waking = true
		st.free--
		st.Tasks.Go(st.do.wakeWorker)
	}
}

// enlist puts a run that may start in line for a worker, or in the queue.
func (st *state) enlist(r *Run) {
	switch {
	case st.Executor != nil:
		st.post(r)
	case r.serial && st.line.behind(r): // or an earlier one would be woken behind it
		st.block(r)
	default:
		st.line.push(r)
	}
}

// next returns the next run that may start now, or nil. Runs that must wait for their job or group are set aside.
func (st *state) next() *Run {
	for {
		r := st.line.pop()
		switch {
		case r == nil:
			return nil
		case r.gone: // ended while it waited
		case r.status == cron.Running: // its start was committed with its claim
			st.grant(r)
			return r
		case st.draining:
			st.giveBack(r)
		case r.late():
			r.begun = true
			st.end(r, r.unstarted(cron.Skipped, cron.ReasonLate, plan.LateDetail(r.Definition().Policies.StartWithin)))
		case r.serial && st.line.behind(r):
			st.block(r)
		default:
			st.grant(r)
			return r
		}
	}
}

// grant assigns a worker to r, and its job's turn if runs are serial.
func (st *state) grant(r *Run) {
	r.begun = true
	if r.serial {
		r.lane.turn = r
	}
}

// refuse undoes grant and sets r aside.
func (st *state) refuse(r *Run) {
	r.begun = false
	r.lane.pass(r)
	st.block(r)
}

// block sets r aside until a run of its job or group ends.
func (st *state) block(r *Run) {
	if st.draining {
		st.giveBack(r)
		return
	}
	st.line.block(r)
	st.Events.Changed()
}

// delay puts r back in line when its next attempt is due.
func (st *state) delay(r *Run, until time.Time) {
	r.status, r.nextAt, r.begun, r.ending = cron.Queued, millis.Of(until), false, false
	st.leaveGroup(r)
	switch {
	case st.draining:
		st.giveBack(r)
	case st.Executor != nil && time.Until(until) > shortWait:
		st.post(r)
	default:
		r.timer = time.AfterFunc(time.Until(until), func() { st.do.attemptDue(r) })
	}
}

// retryLater schedules a retry for r, whose start was refused.
func (st *state) retryLater(r *Run, out *contract.StartOutcome) {
	if out.By == "" {
		return // Runner.Retry wakes it
	}
	w := st.line.remoteOf(r)
	if w.waiting {
		return
	}
	w.waiting = true
	wait := w.next(time.Now(), out.By, !out.First.IsZero(), r.Claimed().UTC())
	time.AfterFunc(wait, func() { st.do.retryBlocked(r, w) })
}

// ended is called after the end of a run or an attempt was committed, or failed to be.
func (st *state) ended(r *Run, f *contract.Finish, err error) {
	if fenced(err) && r.posted { // another process has started it and records its end
		st.drop(r)
		return
	}
	if err != nil {
		contract.LogRun(st.Log, r.Job(), r.ID(), r.Schedule()).Error("the end of a run could not be recorded", "status", f.Status, "error", err)
		st.drop(r)
		st.line.unblock(r)
		return
	}
	r.answer(contract.Answer{Status: f.Status, Error: f.Error})
	if f.Status != cron.Queued || f.Release {
		st.drop(r)
	} else {
		st.delay(r, f.NextAt)
	}
	st.Events.Tell(func() contract.Event {
		return contract.Event{Kind: contract.RunEnded, Job: r.Job(), Record: r.endRecord(f), Exit: exitStatus(f.Cause)}
	})
	st.hooks.ended(r, f)
	st.line.unblock(r)
}

func (st *state) end(r *Run, f contract.Finish) { st.Tasks.Go(func() { st.do.end(r, f) }) }

func (st *state) giveBack(r *Run) { st.Tasks.Go(func() { st.do.giveBack(r) }) }

func (st *state) work(r *Run) { st.Tasks.Go(func() { st.do.serve(r) }) }

func (st *state) leaveGroup(r *Run) {
	if r.placed {
		r.placed = false
		st.Tasks.Go(func() { st.do.leaveGroup(r) })
	}
}

// cancelOthers cancels the other runs of the job, which by replaces.
func (st *state) cancelOthers(by *Run) {
	for r := range by.lane.runs() {
		switch {
		case r.ID() == by.ID():
		case r.posted:
			st.cancel(r, cron.ReasonReplaced, "")
		default:
			r.stop(cron.ReasonReplaced, "")
		}
	}
}

// cancel ends a waiting run, or cancels the context of an executing one.
func (st *state) cancel(r *Run, reason cron.Reason, by string) {
	if reason == "" {
		reason = cron.ReasonRequested
	}
	if r.stopped != nil {
		return
	}
	r.stop(reason, by)
	if r.begun || r.status != cron.Queued || st.draining {
		return
	}
	r.begun = true
	if r.timer != nil {
		r.timer.Stop()
	}
	st.line.remove(r)
	st.end(r, r.cancelled())
}

// lose gives up a run whose lease has ended.
func (st *state) lose(r *Run) {
	if r.posted { // another process has started it
		if !r.begun {
			st.drop(r)
		}
		return
	}
	r.lost = true
	r.noteStop()
	contract.LogRun(st.Log, r.Job(), r.ID(), r.Schedule()).Warn("the lease of a run was lost")
	switch {
	case r.current != nil:
		r.current.cancel(errLost)
	case !r.begun:
		st.drop(r)
	}
}

// post sends a run to the queue. This process keeps the run, extends its lease and resends the ticket until the run
// starts somewhere. Only the first of a job's serial runs has a ticket, to keep their order; it stays first between its
// attempts.
func (st *state) post(r *Run) {
	if st.draining {
		st.giveBack(r)
		return
	}
	r.posted, r.sent = true, &sent{}
	if l := r.lane; r.serial && r.Attempt() == 0 {
		l.queued = append(l.queued, r)
		if l.queued[0] != r {
			return
		}
	}
	st.send(r)
}

func (st *state) send(r *Run) {
	st.tickets = append(st.tickets, r)
	select {
	case st.sign <- struct{}{}:
	default:
	}
}

// dequeue removes r, and sends the ticket of the next of its job's runs.
func (st *state) dequeue(r *Run) {
	l := r.lane
	i := slices.Index(l.queued, r)
	if i < 0 {
		return
	}
	l.queued = slices.Delete(l.queued, i, i+1)
	if i == 0 && len(l.queued) > 0 && !st.draining {
		st.send(l.queued[0])
	}
}

// resend sends tickets again that nobody has taken for long. The queue drops those that it still has.
func (st *state) resend(now time.Time) {
	for r := range st.runs.all() {
		if r.posted && !r.begun && !r.ending && !r.sent.at.IsZero() && now.After(r.sent.at) {
			r.sent.at = time.Time{}
			st.tickets = append(st.tickets, r)
		}
	}
}

// looked ends the read of r's ticket from the store. Runs that were already here have no such read.
func (st *state) looked(r *Run) {
	if r.seq == 0 {
		delete(st.taking, r.ID())
	}
}

// own makes r a run of this process.
func (st *state) own(r *Run) {
	r.posted, r.nextAt = false, 0
	if r.seq == 0 { // read from the store
		st.keep(r)
	}
}
