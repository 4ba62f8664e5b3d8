package runner

import (
	"context"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

// Drain ends everything. It gives back runs that have not started, waits for the others as long as grace and ctx allow,
// cancels those that are left, records what ignores that, and ends the hooks. It returns whether all Tasks have ended.
func (rn *Runner) Drain(ctx context.Context, grace time.Duration) bool {
	began := time.Now()
	if running := rn.stopStarting(); running > 0 && grace > 0 {
		rn.Log.Info("waiting for runs to finish", "running", running, "grace", grace)
	}
	ended := make(chan struct{})
	go func() { rn.Tasks.Wait(); close(ended) }()
	if !waitFor(ctx, ended, grace) {
		rn.stopAll()
		waitFor(context.WithoutCancel(ctx), ended, afterGrace)
	}
	left := rn.abandon()
	rn.st.hooks.close(ctx, grace-time.Since(began))
	return left == 0
}

// Wait waits until those who work the queue have stopped, after Calls has ended; with all, until all Tasks have ended.
func (rn *Runner) Wait(all bool) {
	if all {
		rn.Tasks.Wait()
	}
	rn.takers.Wait()
}

// stopStarting lets no attempt begin any more. It returns how many are under way.
func (rn *Runner) stopStarting() (running int) {
	rn.st.Lock()
	defer rn.st.Unlock()
	rn.st.draining = true
	rn.stopTaking()
	for r := range rn.st.runs.all() {
		if r.status == cron.Queued && !r.begun {
			rn.st.giveBack(r)
		} else {
			running++
		}
	}
	return running
}

func (rn *Runner) stopAll() {
	rn.st.Lock()
	defer rn.st.Unlock()
	for r := range rn.st.runs.all() {
		r.stop(cron.ReasonShutdown, "")
	}
}

// leftBehind is a run that ignores its context, and the end that is recorded for it.
type leftBehind struct {
	run *Run
	end contract.Finish
}

// abandon records runs that ignore their context, since the process is about to end. A run whose function
// has returned keeps the end it came to, which is tried to be recorded until the very last. It returns how
// many functions are left behind.
func (rn *Runner) abandon() (left int) {
	var stuck []leftBehind
	rn.st.Lock()
	for r := range rn.st.runs.all() {
		if r.ending {
			continue
		}
		r.lost = true
		if r.going != nil {
			left++
		}
		f := r.unstarted(cron.Interrupted, cron.ReasonShutdown, "the function ignored its context and was still running when the process ended")
		if r.status == cron.Queued { // it waits for the store to begin
			f.Status, f.Reason, f.Error, f.Release = cron.Queued, "", "", true
		}
		f.Lines = r.Lines(true, f.At)
		stuck = append(stuck, leftBehind{r, f})
	}
	rn.st.Unlock()
	ctx, cancel := context.WithTimeout(rn.Calls, afterGrace)
	defer cancel()
	for i := range stuck {
		rn.record(ctx, stuck[i].run, &stuck[i].end)
	}
	return left
}

// record commits the end of a run that is left behind.
func (rn *Runner) record(ctx context.Context, r *Run, f *contract.Finish) {
	if f.Status.Ended() {
		rn.Log.Error("a run ignores its context and is left behind", "job", f.Job, "run", f.ID)
	}
	err := rn.Store.Finish(ctx, *f)
	if err != nil && !fenced(err) {
		rn.Log.Error("the end of a run could not be recorded", "job", f.Job, "run", f.ID, "error", err)
	}
	if err == nil && f.Status.Ended() && rn.Events.Wanted() {
		rn.st.Lock()
		defer rn.st.Unlock()
		rn.Events.Tell(contract.Event{Kind: contract.RunEnded, Job: f.Job, Record: r.endRecord(f)})
		rn.Events.Changed()
	}
}
