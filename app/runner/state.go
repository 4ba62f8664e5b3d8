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

// state is which run is where, and who waits for what. Its methods are the steps from one moment to the next: they
// are called with the lock held, and do not block. What takes time they hand to effects.
type state struct {
	*Config
	host  *host
	hooks *hookPool
	do    effects
	sign  chan struct{} // there is a ticket to send

	sync.Mutex
	free     int  // workers without a run
	waking   bool // one of them is on its way to the line
	draining bool // no attempt begins any more
	seq      int64
	runs     activeRuns
	line     line

	tickets   []*Run                     // to be sent to the queue
	taking    map[string]contract.Ticket // by run: the ticket that is looked at, while the run is not this process's yet
	sendError error                      // of the last call of Enqueue
	workError error                      // of the last call of Work
}

// effects is what follows from a step. Each call is made in a goroutine of its own, without the lock.
type effects interface {
	// awaken makes a free worker look for something to do.
	awaken()
	// labour has a worker take a run to its end.
	labour(r *Run)
	// end commits the end of a run, or of an attempt.
	end(r *Run, f contract.Finish)
	// giveBack releases a run that has not started, for any process.
	giveBack(r *Run)
	// leaveGroup gives a run's place in its group up.
	leaveGroup(r *Run)
	// attemptDue enlists a run whose next attempt is due.
	attemptDue(r *Run)
	// askAgain has the first run try that waits as r does, for what another process holds.
	askAgain(r *Run, w *remoteWait)
}

// keep lists r among the runs of this process.
func (st *state) keep(r *Run) {
	st.seq++
	r.seq = st.seq
	st.runs.add(r)
}

// drop ends keep.
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

// pump wakes a free worker when there is something to do. That one wakes the next before it begins: a burst of short runs
// is done by as many workers as have something to do, and not by all of them in each other's way.
func (st *state) pump() {
	if st.free > 0 && !st.waking && (st.line.len() > 0 || st.Source.Due()) {
		st.waking = true
		st.free--
		st.Tasks.Go(st.do.awaken)
	}
}

// enlist puts a run that may start in line: for a worker of this process, or in the queue.
func (st *state) enlist(r *Run) {
	switch {
	case st.Executor != nil:
		st.post(r)
	case r.serial && st.line.behind(r): // else one that came earlier would be woken behind it
		st.block(r)
	default:
		st.line.push(r)
	}
}

// next takes the first run from the line that may start now, or nil. A run that has to wait for another of its job or
// group steps aside.
func (st *state) next() *Run {
	for {
		r := st.line.pop()
		switch {
		case r == nil:
			return nil
		case r.gone: // it has ended while it waited
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

// grant gives r a worker, and its job's turn if only one run may have it.
func (st *state) grant(r *Run) {
	r.begun = true
	if r.serial {
		r.lane.turn = r
	}
}

// refuse takes back what grant gave, and sets r aside.
func (st *state) refuse(r *Run) {
	r.begun = false
	r.lane.pass(r)
	st.block(r)
}

// block sets a run aside until something of its job or group has ended.
func (st *state) block(r *Run) {
	if st.draining {
		st.giveBack(r)
		return
	}
	st.line.block(r)
	st.Events.Changed()
}

// delay puts a run back in line when its next attempt is due.
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

// askLater has r, whose start was refused, or who waits before it, ask again.
func (st *state) askLater(r *Run, out *contract.StartOutcome) {
	if out.By == "" {
		return // Runner.Retry wakes it
	}
	w := st.line.remoteOf(r)
	if w.asking {
		return
	}
	w.asking = true
	wait := w.next(time.Now(), out.By, !out.First.IsZero(), r.Claimed().UTC())
	time.AfterFunc(wait, func() { st.do.askAgain(r, w) })
}

// ended is called when the end of a run, or of an attempt, was committed, or could not be.
func (st *state) ended(r *Run, f *contract.Finish, err error) {
	if fenced(err) && r.posted { // some process has started it meanwhile, and records its end
		st.drop(r)
		return
	}
	if err != nil {
		st.Log.Error("the end of a run could not be recorded", "job", r.Job(), "run", r.ID(), "status", f.Status, "error", err)
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
	if st.Events.Wanted() {
		st.Events.Tell(contract.Event{Kind: contract.RunEnded, Job: r.Job(), Record: r.endRecord(f), Exit: exitStatus(f.Cause)})
	}
	st.Events.Changed()
	st.hooks.ended(r, f)
	st.line.unblock(r)
}

// end has the end of a run, or of an attempt, committed.
func (st *state) end(r *Run, f contract.Finish) { st.Tasks.Go(func() { st.do.end(r, f) }) }

// giveBack has a run that has not started released, for any process.
func (st *state) giveBack(r *Run) { st.Tasks.Go(func() { st.do.giveBack(r) }) }

// work has a worker take a run to its end.
func (st *state) work(r *Run) { st.Tasks.Go(func() { st.do.labour(r) }) }

// leaveGroup gives r's place in its group up.
func (st *state) leaveGroup(r *Run) {
	if r.placed {
		r.placed = false
		st.Tasks.Go(func() { st.do.leaveGroup(r) })
	}
}

// cancelOthers cancels what stands in the way of a run that replaces it.
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

// cancel ends a run that waits, or asks the function of one that does not.
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

// lose ends a run whose lease another process has ended.
func (st *state) lose(r *Run) {
	if r.posted { // some process has started it
		if !r.begun {
			st.drop(r)
		}
		return
	}
	r.lost = true
	r.noteStop()
	st.Log.Warn("the lease of a run was lost", "job", r.Job(), "run", r.ID())
	switch {
	case r.going != nil:
		r.going.cancel(errLost)
	case !r.begun:
		st.drop(r)
	}
}

// post makes a ticket of a run. The run stays this process's, which extends its lease and sends the ticket
// until the run starts somewhere. Of those of one job that wait for each other only the first has a
// ticket, so that they keep their order; it stays the first between its attempts.
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

// dequeue lets the next of a job's runs have its ticket.
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

// resend sends tickets anew that no process has taken for long: most wait in the queue, which then
// drops them; what the queue has lost comes back this way.
func (st *state) resend(now time.Time) {
	for r := range st.runs.all() {
		if r.posted && !r.begun && !r.ending && !r.sent.at.IsZero() && now.After(r.sent.at) {
			r.sent.at = time.Time{}
			st.tickets = append(st.tickets, r)
		}
	}
}

// looked ends the look at the ticket of a run that came from the store. Who works a run that was this
// process's already looked at none; what is noted then is another's.
func (st *state) looked(r *Run) {
	if r.seq == 0 {
		delete(st.taking, r.ID())
	}
}

// own makes a run this process's.
func (st *state) own(r *Run) {
	r.posted, r.nextAt = false, 0
	if r.seq == 0 { // it came from the store
		st.keep(r)
	}
}
