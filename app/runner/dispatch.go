package runner

import (
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/millis"
)

// Win is the result of a claim, won or lost.
type Win struct {
	Run     *Run // nil: there is nothing to run
	Worker  bool // a worker was reserved for it
	Replace bool // replaces the job's other runs
}

// Free returns the number of workers without a run.
func (rn *Runner) Free() int {
	rn.st.Lock()
	defer rn.st.Unlock()
	return rn.st.free
}

// Active returns the number of runs in this process.
func (rn *Runner) Active() int {
	rn.st.Lock()
	defer rn.st.Unlock()
	return rn.st.runs.n
}

// Reserve reserves up to n free workers for runs about to be claimed, and returns how many. It reserves none while a
// run waits for a worker.
func (rn *Runner) Reserve(n int) int {
	rn.st.Lock()
	defer rn.st.Unlock()
	if rn.Executor != nil || rn.st.line.len() > 0 {
		return 0
	}
	n = min(n, rn.st.free)
	rn.st.free -= n
	return n
}

// Release frees n reserved workers.
func (rn *Runner) Release(n int) { rn.work.release(n) }

// Pump wakes a worker if there is work. It is called when the Source has something new.
func (rn *Runner) Pump() { rn.work.release(0) }

// Accept takes claimed runs. It frees the spare workers that were reserved for the claims, and starts the others. With
// pulled, the caller is one of them and runs mine, if not nil.
func (rn *Runner) Accept(wins []Win, spare int, pulled bool) (mine *Run) {
	rn.st.Lock()
	defer rn.st.Unlock()
	st := rn.st
	st.free += spare
	for i := range wins {
		w := &wins[i]
		r := w.Run
		worker := w.Worker && r != nil && r.status == cron.Running
		if w.Worker && !worker {
			st.free++
		}
		if r == nil {
			continue
		}
		if w.Replace {
			st.cancelOthers(r)
		}
		st.keep(r)
		if !worker {
			st.enlist(r)
			continue
		}
		st.grant(r)
		if pulled && mine == nil {
			mine = r
		} else {
			st.work(r)
		}
	}
	if len(wins) > 0 {
		rn.Events.Changed()
	}
	st.pump()
	return mine
}

// Adopt takes over a run of a dead process.
func (rn *Runner) Adopt(l *Lane, rec *cron.Record, t *contract.Take) {
	r := restored(rn.st.host, l, rec, t.NewToken, t.Attempts)
	r.startedAt = millis.Of(t.Started)
	rn.st.Lock()
	defer rn.st.Unlock()
	rn.st.keep(r)
	if time.Until(t.NextAt) > 0 {
		rn.st.delay(r, t.NextAt)
	} else {
		rn.st.enlist(r)
	}
	rn.st.pump()
}

// Init makes r the run of a won claim.
func (rn *Runner) Init(r *Run, l *Lane, c *contract.Claim, got *contract.Claimed) {
	r.init(rn.st.host, l, c, got)
}

// Work starts a run that Accept returned in another worker.
func (rn *Runner) Work(r *Run) { rn.st.work(r) }

// Retry retries the runs that wait for their turn or group, because they may wait for another process.
func (rn *Runner) Retry() {
	rn.st.Lock()
	defer rn.st.Unlock()
	rn.st.line.wakeSome()
	rn.st.pump()
}
