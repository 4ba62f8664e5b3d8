package runner

import (
	"context"
	"errors"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/millis"
	"fibercrons/app/internal/retry"
)

// worker executes runs and implements effects. Each of the Workers is a goroutine in serve.
type worker struct {
	*Config
	st     *state
	groups groups
}

var _ effects = (*worker)(nil)

func (w *worker) wakeWorker() {
	w.st.Lock()
	w.st.waking = false
	w.st.Unlock()
	w.serve(w.nextRun())
}

// serve is a worker: it executes runs until there is none.
func (w *worker) serve(r *Run) {
	for r != nil {
		if r.status == cron.Running || w.start(r) {
			r = w.invoke(r)
		} else {
			r = w.nextRun()
		}
	}
}

// nextRun returns the worker's next run, or nil if the worker was freed.
func (w *worker) nextRun() *Run {
	r, claim := w.pick()
	if claim != nil {
		return claim()
	}
	return r
}

// release frees n reserved workers.
func (w *worker) release(n int) {
	w.st.Lock()
	defer w.st.Unlock()
	w.st.free += n
	w.st.pump()
}

// pick returns the next run in line, or the call that claims what is due, with workers reserved for it, including the
// calling one. If it returns neither, the worker was freed.
func (w *worker) pick() (r *Run, claim func() *Run) {
	w.st.Lock()
	defer w.st.Unlock()
	st := w.st
	if r = st.next(); r == nil {
		var used int
		claim, used = w.Source.Pull(max(st.free, 0) + 1) // runs of the queue may make free negative
		st.free -= used - 1
	}
	st.pump()
	return r, claim
}

// start commits the start of the next attempt before the function is called, so a queued run has never begun, even
// after a crash. It reports whether the run started.
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
		st.drop(r) // at shutdown without a store: the lease will expire, and the run is still queued
		st.line.unblock(r)
	case out.Blocked:
		st.leaveGroup(r)
		st.refuse(r)
		st.retryLater(r, &out)
	case out.Cancelled:
		r.stop(out.Reason, "")
		st.end(r, r.cancelled())
	}
	return false
}

// enterGroup takes a group place for r, or sets r aside until there may be one.
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

// ask requests the start of the next attempt from the store, and repeats that until it answers.
func (w *worker) ask(r *Run) (contract.StartOutcome, error) {
	p := &r.Definition().Policies
	ask := contract.Start{
		Fence: r.fence(), Job: r.Job(), Schedule: r.Schedule(), At: millis.Now(), Lease: w.Lease,
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

// invoke makes an attempt and returns the worker's next run.
func (w *worker) invoke(r *Run) *Run {
	if ctx := w.enter(r); ctx != nil {
		w.call(ctx, r)
	}
	return w.nextRun()
}

// call calls the function and handles its result, also if the function ends its goroutine.
func (w *worker) call(ctx *scope, r *Run) {
	err, ended := cron.ErrGoexit, false
	defer func() {
		w.returned(ctx, r, err)
		if !ended { // this goroutine ends; another continues as the worker
			w.Tasks.Go(func() { w.serve(w.nextRun()) })
		}
	}()
	err = r.Definition().Call(ctx)
	ended = true
}

// enter begins an attempt and returns its scope; nil: the run was given up.
func (w *worker) enter(r *Run) *scope {
	w.st.Lock()
	defer w.st.Unlock()
	if r.lost {
		w.st.drop(r)
		return nil
	}
	r.begin(millis.Now())
	w.Events.Tell(func() contract.Event {
		return contract.Event{Kind: contract.RunStarted, Job: r.Job(), Record: r.record()}
	})
	return r.current
}

// returned is called when the function has returned. The end is committed in another goroutine while the worker takes
// its next run, whose start may share the commit.
func (w *worker) returned(ctx *scope, r *Run, err error) {
	now := millis.Now()
	ctx.close()
	w.st.Lock()
	lost := r.lost
	r.current = nil
	f := r.finish(ctx, err, now, w.st.draining)
	w.st.Unlock()
	if lost {
		contract.LogRun(w.Log, r.Job(), r.ID(), r.Schedule()).Warn("run ended after its lease was lost; the outcome is not recorded", "error", err)
		w.forget(r)
		return
	}
	w.Tasks.Go(func() { w.end(r, f) })
}

// end commits the end of a run or an attempt.
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

// forget drops a run that another process owns.
func (w *worker) forget(r *Run) {
	w.st.Lock()
	defer w.st.Unlock()
	w.st.drop(r)
	w.st.line.unblock(r)
	w.st.pump()
}

// giveBack releases a run that has not started, so that any process can take it at once.
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
		contract.LogRun(w.Log, r.Job(), r.ID(), r.Schedule()).Error("a waiting run could not be released; it is taken over when its lease expires", "error", err)
	}
	w.forget(r)
}

// leaveGroup releases r's group place and retries the runs that wait for one.
func (w *worker) leaveGroup(r *Run) {
	w.groups.leave(r)
	w.st.Lock()
	defer w.st.Unlock()
	w.st.line.wake(blockKey(r), true)
	w.st.pump()
}

// retryBlocked retries the first run of r's job or group that waits for another process.
func (w *worker) retryBlocked(r *Run, wait *remoteWait) {
	w.st.Lock()
	defer w.st.Unlock()
	wait.waiting = false
	if !w.st.draining {
		w.st.line.wake(blockKey(r), false)
		w.st.pump()
	}
}

// attemptDue enlists a run whose next attempt is due.
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
