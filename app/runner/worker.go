package runner

import (
	"context"
	"errors"
	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/millis"
	"fibercrons/app/internal/retry"
)

// worker takes runs to their recorded ends, and is what follows from the steps of state. As many of its goroutines call functions as there are workers.
type worker struct {
	*Config
	st     *state
	groups groups
}

var _ effects = (*worker)(nil)

// awaken is a worker that was free.
func (w *worker) awaken() {
	w.st.Lock()
	w.st.waking = false
	w.st.Unlock()
	w.labour(w.another())
}

// labour is a worker: it takes runs to their end, or to their next wait, until there is none.
func (w *worker) labour(r *Run) {
	for r != nil {
		if r.status == cron.Running || w.start(r) {
			r = w.invoke(r)
		} else {
			r = w.another()
		}
	}
}

// another returns what a worker does next; nil: it was set free.
func (w *worker) another() *Run {
	r, workers := w.pick()
	if workers == 0 {
		return r
	}
	claim, used := w.Source.Pull(workers)
	w.release(workers - used)
	if claim == nil {
		return nil
	}
	return claim()
}

// release frees n workers that were reserved.
func (w *worker) release(n int) {
	w.st.Lock()
	defer w.st.Unlock()
	w.st.free += n
	w.st.pump()
}

// pick returns the next run in line for a worker. If there is none but something is due, it reserves all workers that are
// free, the calling one included, and returns how many. Neither: the worker was set free.
func (w *worker) pick() (r *Run, workers int) {
	w.st.Lock()
	defer w.st.Unlock()
	st := w.st
	if r = st.next(); r == nil {
		if w.Source.Due() {
			workers, st.free = max(st.free, 0)+1, min(st.free, 0) // runs of the queue take workers that are not free
			return nil, workers
		}
		st.free++
	}
	st.pump()
	return r, 0
}

// start commits the start of the next attempt, before the function is called: after a crash a
// run that says queued has certainly not begun. It returns false when the run did not start.
func (w *worker) start(r *Run) bool {
	if w.groups.limit(r) && !w.enterGroup(r) {
		return false
	}
	out, err := w.ask(r)
	if err == nil && out.Started {
		return true
	}
	w.st.Lock()
	defer w.st.Unlock()
	st := w.st
	switch {
	case err != nil:
		r.lost = r.lost || fenced(err)
		st.drop(r) // without a store at shutdown: the lease will expire, and the run is still queued
		st.line.unblock(r)
	case out.Blocked:
		st.leaveGroup(r)
		st.refuse(r)
		st.askLater(r, &out)
	case out.Cancelled:
		r.stop(out.Reason, "")
		st.end(r, r.cancelled())
	}
	return false
}

// enterGroup takes a place in its group for r, or sets r aside until there may be one.
func (w *worker) enterGroup(r *Run) bool {
	entered := w.groups.enter(r)
	w.st.Lock()
	defer w.st.Unlock()
	switch {
	case entered:
		r.placed = true
	case r.stopped != nil:
		w.st.end(r, r.cancelled())
	default:
		w.st.refuse(r)
	}
	return entered
}

// ask asks the store for the start of the next attempt, until it has answered.
func (w *worker) ask(r *Run) (contract.StartOutcome, error) {
	p := &r.Definition().Policies
	ask := contract.Start{
		Fence: r.fence(), Job: r.Job(), At: millis.Now(), Lease: w.Lease,
		Serial: r.serial, Group: p.Group, GroupLimit: p.GroupLimit,
	}
	if w.Executor != nil {
		ask.Instance, ask.Attempt = w.Instance, r.Attempt()+1
	} else if r.serial || p.Group != "" {
		w.st.Lock()
		ask.InTurn, ask.Passed = true, w.st.line.remoteOf(r).passed
		w.st.Unlock()
	}
	out, err := w.Store.Start(w.Calls, ask)
	if err != nil && !fenced(err) {
		err = retry.Until(w.Calls, fenced, func() (err error) {
			out, err = w.Store.Start(w.Calls, ask)
			return err
		})
	}
	return out, err
}

// invoke makes an attempt. It returns what the worker does next.
func (w *worker) invoke(r *Run) *Run {
	if ctx := w.enter(r); ctx != nil {
		w.call(ctx, r)
	}
	return w.another()
}

// call calls the function and handles whatever comes of it, also when it ends its goroutine.
func (w *worker) call(ctx *scope, r *Run) {
	err, ended := cron.ErrGoexit, false
	defer func() {
		w.returned(ctx, r, err)
		if !ended { // this goroutine ends here; another continues as the worker
			w.Tasks.Go(func() { w.labour(w.another()) })
		}
	}()
	err = r.Definition().Call(ctx)
	ended = true
}

// enter notes that an attempt begins, and returns its scope; nil for a run that was given up meanwhile.
func (w *worker) enter(r *Run) *scope {
	w.st.Lock()
	defer w.st.Unlock()
	if r.lost {
		w.st.drop(r)
		return nil
	}
	r.begin(millis.Now())
	if w.Events.Wanted() {
		w.Events.Tell(contract.Event{Kind: contract.RunStarted, Job: r.Job(), Record: r.record()})
	}
	w.Events.Changed()
	return r.going
}

// returned is called when the function has returned. The end is committed beside the worker, which takes its next run
// meanwhile: the start of that may share the commit.
func (w *worker) returned(ctx *scope, r *Run, err error) {
	now := millis.Now()
	ctx.close()
	w.st.Lock()
	lost := r.lost
	r.going = nil
	f := r.finish(ctx, err, now, w.st.draining)
	w.st.Unlock()
	if lost {
		w.Log.Warn("run ended after its lease was lost; the outcome is not recorded", "job", r.Job(), "run", r.ID(), "error", err)
		w.forget(r)
		return
	}
	w.Tasks.Go(func() { w.end(r, f) })
}

// end commits the end of a run, or of an attempt, and wakes what waited for it.
func (w *worker) end(r *Run, f contract.Finish) {
	f.Lines = r.Lines(f.Status.Ended(), f.At)
	err := w.Store.Finish(w.Calls, f)
	if err != nil && !fenced(err) {
		err = retry.Until(w.Calls, fenced, func() error { return w.Store.Finish(w.Calls, f) })
	}
	w.st.Lock()
	defer w.st.Unlock()
	w.st.ended(r, &f, err)
	w.st.pump()
}

// forget drops a run that is no longer this process's.
func (w *worker) forget(r *Run) {
	w.st.Lock()
	defer w.st.Unlock()
	w.st.drop(r)
	w.st.line.unblock(r)
	w.st.pump()
}

// giveBack releases a run that has not started, so that another process, or this one's
// successor, takes it at once.
func (w *worker) giveBack(r *Run) {
	w.st.Lock()
	if r.gone || r.status != cron.Queued || r.begun {
		w.st.Unlock()
		return
	}
	if r.timer != nil {
		r.timer.Stop()
	}
	f := r.unstarted(cron.Queued, "", "")
	f.NextAt, f.Release = r.nextAt.UTC(), true
	w.st.Unlock()
	ctx, cancel := context.WithTimeout(w.Calls, afterGrace)
	defer cancel()
	if err := w.Store.Finish(ctx, f); err != nil && !fenced(err) {
		w.Log.Error("a waiting run could not be given back; it is taken over when its lease expires", "job", r.Job(), "run", r.ID(), "error", err)
	}
	w.forget(r)
}

// leaveGroup gives the place of r up, and lets those that wait for one try.
func (w *worker) leaveGroup(r *Run) {
	w.groups.leave(r)
	w.st.Lock()
	defer w.st.Unlock()
	w.st.line.wake(blockKey(r), true)
	w.st.pump()
}

// askAgain lets the first run try that waits as r does, for what another process holds.
func (w *worker) askAgain(r *Run, wait *remoteWait) {
	w.st.Lock()
	defer w.st.Unlock()
	wait.asking = false
	if !w.st.draining {
		w.st.line.wake(blockKey(r), false)
		w.st.pump()
	}
}

// attemptDue puts a run in line whose next attempt is due.
func (w *worker) attemptDue(r *Run) {
	w.st.Lock()
	defer w.st.Unlock()
	if r.gone || w.st.draining {
		return
	}
	r.nextAt = 0
	w.st.enlist(r)
	w.st.pump()
}

func fenced(err error) bool { return errors.Is(err, contract.ErrFenced) }
