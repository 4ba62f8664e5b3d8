package runner

import (
	"context"
	"sync"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

// Runner executes runs and records their ends; see the package comment.
type Runner struct {
	*Config
	st     *state
	work   *worker
	outbox outbox

	taking     context.Context // of the queue consumer
	stopTaking context.CancelFunc
	takers     sync.WaitGroup
}

// New returns a Runner without runs.
func New(c Config) *Runner {
	host := &host{log: c.Log, maxRunLog: c.MaxRunLog, traceID: c.TraceID, instance: c.Instance, queue: c.Executor != nil, base: c.Base}
	host.over = newCancelable(c.Base)
	host.over.cancel(nil)
	hooks := newHookPool(c.Base, c.Workers, c.Log)
	st := &state{Config: &c, host: host, hooks: hooks, free: c.Workers, sign: make(chan struct{}, 1), taking: make(map[string]contract.Ticket)}
	work := &worker{Config: &c, st: st, groups: groups{limits: c.Limits, lease: c.Lease, calls: c.Calls}}
	st.do = work
	rn := &Runner{Config: &c, st: st, work: work, outbox: outbox{&c, st}}
	rn.taking, rn.stopTaking = context.WithCancel(c.Calls)
	return rn
}

// Counts are the numbers of runs and workers at one moment.
type Counts struct {
	Busy    int // workers that have a run
	Running int // runs whose function is executing
	Waiting int // waiting runs
	Overdue int // runs whose function still executes although their context has ended
}

// Counts returns the current numbers.
func (rn *Runner) Counts(now time.Time) Counts {
	rn.st.Lock()
	defer rn.st.Unlock()
	c := Counts{Busy: rn.Workers - rn.st.free}
	for r := range rn.st.runs.all() {
		switch {
		case r.status != cron.Running:
			c.Waiting++
		default:
			c.Running++
			if r.overdue(now) {
				c.Overdue++
			}
		}
	}
	return c
}

// QueueError returns why tickets cannot be sent or worked; nil: both work.
func (rn *Runner) QueueError() (sending, working error) {
	rn.st.Lock()
	defer rn.st.Unlock()
	return rn.st.sendError, rn.st.workError
}

// Overlay adds what only this process knows to the record of a run. It returns false if the run is not in this process.
func (rn *Runner) Overlay(rec *cron.Record, now time.Time) bool {
	rn.st.Lock()
	defer rn.st.Unlock()
	r := rn.Lane(rec.Job, rec.ScheduleID()).find(rec.ID)
	if r == nil || r.status != cron.Running {
		return false
	}
	fresh := r.record()
	rec.Attempts, rec.Progress, rec.Result = fresh.Attempts, fresh.Progress, fresh.Result
	rec.Overdue = r.overdue(now)
	return true
}

// Done returns a channel that is closed when this process drops the run; nil: the run is not here.
func (rn *Runner) Done(id string) <-chan struct{} {
	rn.st.Lock()
	defer rn.st.Unlock()
	r := rn.st.runs.find(id)
	if r == nil {
		return nil
	}
	if r.done == nil {
		r.done = make(chan struct{})
	}
	return r.done
}

// Skipped calls the hooks of a slot that was recorded as skipped.
func (rn *Runner) Skipped(j *cron.Job, rec cron.Record) { rn.st.hooks.skipped(j, rec) }
