package scheduler

import (
	"time"

	"fibercrons/app/clock"
	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/plan"
)

// entry is a job in the scheduler. Scheduler.mu guards what changes.
type entry struct {
	job       *cron.Job
	table     *plan.Table
	code      plan.Table      // what the code says
	placement clock.Placement // on the schedules of table

	// There may be a hundred thousand jobs: what is a byte stands together.

	serial bool // at most one run at a time, the others wait: overlap Queue and Replace
	// pressing: its slots are claimed as soon as they are due, and not when a worker is free for their runs.
	pressing   bool
	busy       bool // its slots are on their way to the store
	again      bool // it was due while busy
	waits      bool // the gate said no, or nothing; it is asked for again later
	superseded bool // a newer version of the program has it
	dirty      bool // something has ended since it was pruned

	next  int64 // the first slot that is not settled, in ms; plan.Never: no more
	ahead int64 // the store has said that a slot is early by its clock: how far ahead ours is, in ms
	// doubt holds the fences of claims that the store answered with an error. They are asked
	// for again under the same fences, which settles whether they had been made.
	doubt  map[int64]contract.Fence
	file   []*run // those that wait for each other on their way through the queue; the first has its ticket out
	turn   *run   // of a job whose runs wait for each other: the one that goes on, retries included
	newest *run   // of those in this process: queued, waiting or running
	adrift error  // why it is not on the schedule it should be on
	pruned time.Time
}

// after returns the job's first slot after ms. Scheduler.mu is held.
func (e *entry) after(ms int64) int64 { return e.table.After(ms) }

// tableFor returns the job's timetable under an override. Most jobs never have one.
func (e *entry) tableFor(o plan.Override) (*plan.Table, error) {
	if o.At.IsZero() {
		return &e.code, nil
	}
	return plan.Overridden(e.job, o)
}
