package runner

import (
	"context"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

// Drain ends all runs. It releases runs that have not started, waits for the others within grace and ctx, cancels the
// rest, records those that ignore that, and ends the hooks. It reports whether all Tasks have ended.
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

// Wait waits until the queue consumer has stopped, after Calls has ended; with all, until all Tasks have ended.
func (rn *Runner) Wait(all bool) {
	if all {
		rn.Tasks.Wait()
	}
	rn.takers.Wait()
}

// stopStarting prevents new attempts and returns the number of active ones.
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

// abandonedRun is a run that ignores its context, and its recorded end.
type abandonedRun struct {
	run *Run
	end contract.Finish
}

// abandon records runs that ignore their context at the end of the process. A run whose function has returned is
// skipped, because its own end is still being recorded. It returns the number of functions that still run.
func (rn *Runner) abandon() (left int) {
	var stuck []abandonedRun
	rn.st.Lock()
	for r := range rn.st.runs.all() {
		if r.ending {
			continue
		}
		r.lost = true
		if r.current != nil {
			left++
		}
		f := r.unstarted(cron.Interrupted, cron.ReasonShutdown, "the function ignored its context and was still running when the process ended")
		if r.status == cron.Queued { // the store has not committed its start
			f.Status, f.Reason, f.Error, f.Release = cron.Queued, "", "", true
		}
		f.Lines = r.Lines(true, f.At)
		stuck = append(stuck, abandonedRun{r, f})
	}
	rn.st.Unlock()
	ctx, cancel := context.WithTimeout(rn.Calls, afterGrace)
	defer cancel()
	for i := range stuck {
		rn.record(ctx, stuck[i].run, &stuck[i].end)
	}
	return left
}

// record commits the end of an abandoned run.
func (rn *Runner) record(ctx context.Context, r *Run, f *contract.Finish) {
	if f.Status.Ended() {
		contract.LogRun(rn.Log, f.Job, f.ID, f.Schedule).Error("a run ignores its context and is abandoned")
	}
	err := rn.Store.Finish(ctx, *f)
	if err != nil && !fenced(err) {
		contract.LogRun(rn.Log, f.Job, f.ID, f.Schedule).Error("the end of a run could not be recorded", "error", err)
	}
	if err == nil && f.Status.Ended() {
		rn.st.Lock()
		defer rn.st.Unlock()
		rn.Events.Tell(func() contract.Event {
			return contract.Event{Kind: contract.RunEnded, Job: f.Job, Record: r.endRecord(f)}
		})
	}
}
