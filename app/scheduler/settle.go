package scheduler

import (
	"fmt"
	"math"
	"time"

	"fibercrons/app/clock"
	"fibercrons/app/cron"
)

// entry is a job in the scheduler. Scheduler.mu guards what changes.
type entry struct {
	job       *cron.Job
	table     *timetable
	code      timetable       // what the code says
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

	next  int64 // the first slot that is not settled, in ms; never: no more
	ahead int64 // the store has said that a slot is early by its clock: how far ahead ours is, in ms
	// doubt holds the fences of claims that the store answered with an error. They are asked
	// for again under the same fences, which settles whether they had been made.
	doubt  map[int64]Fence
	file   []*run // those that wait for each other on their way through the queue; the first has its ticket out
	turn   *run   // of a job whose runs wait for each other: the one that goes on, retries included
	newest *run   // of those in this process: queued, waiting or running
	adrift error  // why it is not on the schedule it should be on
	pruned time.Time
}

const (
	never = math.MaxInt64
	// missedBoot: slots older than the start by this much were missed by nobody being there;
	// younger ones may be another process's to claim at this moment, and are run.
	missedBoot = 1000
	// missedLive is how late, in ms, a slot of a living process may be claimed before it
	// counts as missed: the machine slept, the clock jumped, the database was away.
	missedLive = 5000
	// maxCatchUp bounds the rows one catch-up writes for a job.
	maxCatchUp = 100_000
)

// after returns the first slot after ms; never: there is none.
func (t *timetable) after(ms int64) int64 {
	if t, ok := t.next(time.UnixMilli(ms)); ok {
		return t.UnixMilli()
	}
	return never
}

// after returns the job's first slot after ms. Scheduler.mu is held.
func (e *entry) after(ms int64) int64 { return e.table.after(ms) }

// due is a slot and what is to become of it.
type due struct {
	slot    int64
	status  cron.Status // Skipped, or Queued: to be run
	reason  cron.Reason
	detail  string
	trigger cron.Trigger
	overlap cron.OverlapPolicy
}

// plan appends to plan what becomes of every slot of the job from first up to now, in slot
// order, and returns the first slot after now. It changes nothing. started is when the process began to
// tick. Slots that nothing could run when they were due go to the job's catch-up policy:
// those older than its window are summed in one row, each of the others has a row of its own.
func (e *entry) plan(plan []due, table *timetable, first, now, started int64) (_ []due, next int64) {
	p := &e.job.Policies
	missedBefore := max(started-missedBoot, now-missedLive)
	if first >= missedBefore { // the common case: on time, and mostly just one
		for slot := first; slot <= now; slot = next {
			plan = append(plan, e.onTime(slot, now))
			if next = table.after(slot); len(plan) >= maxCatchUp {
				break
			}
		}
		return plan, next
	}

	windowStart := min(missedBefore, now-p.CatchUpFor.Milliseconds())
	slot := first
	if first < windowStart {
		slot = table.after(windowStart - 1)
		plan = append(plan, due{slot: first, status: cron.Skipped, reason: cron.ReasonMissed, trigger: cron.BySchedule,
			detail: fmt.Sprintf("slots from %s until %s were missed, longer ago than the catch-up window of %s", stamp(first), stamp(windowStart), p.CatchUpFor)})
	}
	var missed, fresh []int64
	for ; slot <= now; slot = table.after(slot) {
		if slot < missedBefore {
			missed = append(missed, slot)
		} else {
			fresh = append(fresh, slot)
		}
	}
	if extra := len(missed) - maxCatchUp; extra > 0 {
		plan = append(plan, due{slot: missed[0], status: cron.Skipped, reason: cron.ReasonMissed, trigger: cron.BySchedule,
			detail: fmt.Sprintf("%d slots from %s until %s were missed, too many to list", extra, stamp(missed[0]), stamp(missed[extra]))})
		missed = missed[extra:]
	}
	run := 0 // how many of the missed, counted from the end, are to run
	switch {
	case p.CatchUp == cron.All:
		run = min(len(missed), p.CatchUpCap)
	case p.CatchUp == cron.Latest && len(fresh) == 0:
		run = min(len(missed), 1)
	}
	skip := due{status: cron.Skipped, reason: cron.ReasonMissed, trigger: cron.BySchedule}
	switch p.CatchUp {
	case cron.Latest:
		skip.reason = cron.ReasonSuperseded
	case cron.All:
		skip.detail = fmt.Sprintf("more slots were missed than the catch-up cap of %d", p.CatchUpCap)
	}
	for i, slot := range missed {
		d := skip
		if i >= len(missed)-run {
			d = e.onTime(slot, now)
			if d.status == cron.Queued {
				d.trigger = cron.ByCatchUp
			}
			if p.CatchUp == cron.All {
				d.overlap = e.inTurn()
			}
		}
		d.slot = slot
		plan = append(plan, d)
	}
	for _, slot := range fresh {
		d := e.onTime(slot, now)
		if run > 1 {
			d.overlap = e.inTurn()
		}
		plan = append(plan, d)
	}
	return plan, slot
}

// onTime is a slot that is to run, unless its start deadline has passed.
func (e *entry) onTime(slot, now int64) due {
	d := due{slot: slot, status: cron.Queued, trigger: cron.BySchedule, overlap: e.job.Policies.Overlap}
	if within := e.job.Policies.StartWithin.Milliseconds(); within > 0 && now-slot > within {
		d.status, d.reason, d.detail = cron.Skipped, cron.ReasonLate, lateDetail(e.job.Policies.StartWithin)
	}
	return d
}

// inTurn is the overlap of several runs that the scheduler itself has put one behind another:
// they wait for each other rather than skip or replace each other.
func (e *entry) inTurn() cron.OverlapPolicy {
	if e.job.Policies.Overlap == cron.Allow {
		return cron.Allow
	}
	return cron.Queue
}

func lateDetail(within time.Duration) string {
	return fmt.Sprintf("could not start within %s of its slot", within)
}

func stamp(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339) }
