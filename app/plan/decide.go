package plan

import (
	"fmt"
	"time"

	"fibercrons/app/cron"
)

const (
	// missedAtStart: slots older than the start by this much were missed by nobody being there;
	// younger ones may be another process's to claim at this moment, and are run.
	missedAtStart = 1000
	// MissedLive is how late, in ms, a slot of a living process may be claimed before it
	// counts as missed: the machine slept, the clock jumped, the database was away.
	MissedLive = 5000
	// MaxCatchUp bounds the rows one catch-up writes for a job.
	MaxCatchUp = 100_000
)

// Decision is a slot and what is to become of it.
type Decision struct {
	Slot    int64
	Status  cron.Status // Skipped, or Queued: to be run
	Reason  cron.Reason
	Detail  string
	Trigger cron.Trigger
	Overlap cron.OverlapPolicy
}

// Decide appends to plan what becomes of every slot of the job from first up to now, in slot
// order, and returns the first slot after now. It changes nothing. started is when the process began to
// tick. Slots that nothing could run when they were due go to the job's catch-up policy:
// those older than its window are summed in one row, each of the others has a row of its own.
func Decide(plan []Decision, p *cron.Policies, table *Table, first, now, started int64) (_ []Decision, next int64) {
	missedBefore := max(started-missedAtStart, now-MissedLive)
	if first >= missedBefore { // the common case: on time, and mostly just one
		for slot := first; slot <= now; slot = next {
			plan = append(plan, onTime(p, slot, now))
			if next = table.After(slot); len(plan) >= MaxCatchUp {
				break
			}
		}
		return plan, next
	}

	windowStart := min(missedBefore, now-p.CatchUpFor.Milliseconds())
	slot := first
	if first < windowStart {
		slot = table.After(windowStart - 1)
		plan = append(plan, Decision{Slot: first, Status: cron.Skipped, Reason: cron.ReasonMissed, Trigger: cron.BySchedule,
			Detail: fmt.Sprintf("slots from %s until %s were missed, longer ago than the catch-up window of %s", stamp(first), stamp(windowStart), p.CatchUpFor)})
	}
	var missed, fresh []int64
	for ; slot <= now; slot = table.After(slot) {
		if slot < missedBefore {
			missed = append(missed, slot)
		} else {
			fresh = append(fresh, slot)
		}
	}
	if extra := len(missed) - MaxCatchUp; extra > 0 {
		plan = append(plan, Decision{Slot: missed[0], Status: cron.Skipped, Reason: cron.ReasonMissed, Trigger: cron.BySchedule,
			Detail: fmt.Sprintf("%d slots from %s until %s were missed, too many to list", extra, stamp(missed[0]), stamp(missed[extra]))})
		missed = missed[extra:]
	}
	run := 0 // how many of the missed, counted from the end, are to run
	switch {
	case p.CatchUp == cron.All:
		run = min(len(missed), p.CatchUpCap)
	case p.CatchUp == cron.Latest && len(fresh) == 0:
		run = min(len(missed), 1)
	}
	skip := Decision{Status: cron.Skipped, Reason: cron.ReasonMissed, Trigger: cron.BySchedule}
	switch p.CatchUp {
	case cron.Latest:
		skip.Reason = cron.ReasonSuperseded
	case cron.All:
		skip.Detail = fmt.Sprintf("more slots were missed than the catch-up cap of %d", p.CatchUpCap)
	}
	for i, slot := range missed {
		d := skip
		if i >= len(missed)-run {
			d = onTime(p, slot, now)
			if d.Status == cron.Queued {
				d.Trigger = cron.ByCatchUp
			}
			if p.CatchUp == cron.All {
				d.Overlap = inTurn(p)
			}
		}
		d.Slot = slot
		plan = append(plan, d)
	}
	for _, slot := range fresh {
		d := onTime(p, slot, now)
		if run > 1 {
			d.Overlap = inTurn(p)
		}
		plan = append(plan, d)
	}
	return plan, slot
}

// onTime is a slot that is to run, unless its start deadline has passed.
func onTime(p *cron.Policies, slot, now int64) Decision {
	d := Decision{Slot: slot, Status: cron.Queued, Trigger: cron.BySchedule, Overlap: p.Overlap}
	if within := p.StartWithin.Milliseconds(); within > 0 && now-slot > within {
		d.Status, d.Reason, d.Detail = cron.Skipped, cron.ReasonLate, LateDetail(p.StartWithin)
	}
	return d
}

// inTurn is the overlap of several runs that the scheduler itself has put one behind another:
// they wait for each other rather than skip or replace each other.
func inTurn(p *cron.Policies) cron.OverlapPolicy {
	if p.Overlap == cron.Allow {
		return cron.Allow
	}
	return cron.Queue
}

// LateDetail says in words that a run has not met its start deadline.
func LateDetail(within time.Duration) string {
	return fmt.Sprintf("could not start within %s of its slot", within)
}

func stamp(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339) }
