package runner

import (
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/millis"
)

// Win is what becomes of a claim that was won or lost.
type Win struct {
	Run     *Run // nil: there is nothing to run
	Worker  bool // a worker was reserved for it
	Replace bool // it takes the place of the job's other runs
}

// Free returns how many workers have no run.
func (rn *Runner) Free() int {
	rn.st.Lock()
	defer rn.st.Unlock()
	return rn.st.free
}

// Active returns how many runs this process holds.
func (rn *Runner) Active() int {
	rn.st.Lock()
	defer rn.st.Unlock()
	return rn.st.runs.n
}

// Reserve sets up to n free workers aside for runs that are about to be claimed, and returns how many. It sets none
// aside while a run is in line before those.
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

// Release frees n workers that were reserved.
func (rn *Runner) Release(n int) { rn.work.release(n) }

// Pump wakes a worker if there is something to do. It is called after the Source has got something.
func (rn *Runner) Pump() { rn.work.release(0) }

// Accept takes runs that were claimed. It frees the spare workers that were reserved for the claims, and starts the
// others. With pulled, the caller is one of them: it is returned the run that it is to begin, if there is one.
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

// Adopt takes a run of a process that has died, which this one has taken over.
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

// Init makes r the run of a claim that was won, of a job with that lane.
func (rn *Runner) Init(r *Run, l *Lane, c *contract.Claim, got *contract.Claimed) {
	r.init(rn.st.host, l, c, got)
}

// Work begins a run in a worker that Accept has returned it to.
func (rn *Runner) Work(r *Run) { rn.st.work(r) }

// Retry lets runs try again that wait for their turn or their group: what they wait for may be another process's.
func (rn *Runner) Retry() {
	rn.st.Lock()
	defer rn.st.Unlock()
	rn.st.line.wakeSome()
	rn.st.pump()
}
