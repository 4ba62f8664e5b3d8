package plan

import (
	"fmt"
	"time"

	"fibercrons/app/cron"
)

const (
	// missedAtStart: a slot older than the process start by more ms than this is missed. A younger one may be about to
	// be claimed by another process, so it runs.
	missedAtStart = 1000
	// MissedLive is how late, in ms, a running process may claim a slot before it is a misfire: the machine slept, the
	// clock jumped, or the database was away.
	MissedLive = 5000
	// MaxCatchUp limits the rows that one catch-up writes for a job.
	MaxCatchUp = 100_000
)

// Decision is a slot and what happens to it.
type Decision struct {
	Slot    int64
	Status  cron.Status // Skipped, or Queued: to run
	Reason  cron.Reason
	Detail  string
	Trigger cron.Trigger
	Overlap cron.OverlapPolicy
}

// Decide appends to plan a decision for each of the job's slots from first up to now, in order. It returns the first
// slot after now, or [Never]. started is when the process began to tick. Misfires follow the job's catch-up policy:
// those older than its window share one row, each of the others has its own.
func Decide(plan []Decision, p *cron.Policies, table *Table, first, now, started int64) (_ []Decision, next int64) {
	if first > now {
		return plan, first
	}
	missedBefore := max(started-missedAtStart, now-MissedLive)
	if first >= missedBefore { // the common case: on time, usually one slot
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
	run := 0 // how many of the missed slots run: the newest
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

// onTime runs a slot unless its start deadline has passed.
func onTime(p *cron.Policies, slot, now int64) Decision {
	d := Decision{Slot: slot, Status: cron.Queued, Trigger: cron.BySchedule, Overlap: p.Overlap}
	if within := p.StartWithin.Milliseconds(); within > 0 && now-slot > within {
		d.Status, d.Reason, d.Detail = cron.Skipped, cron.ReasonLate, LateDetail(p.StartWithin)
	}
	return d
}

// inTurn is the overlap of several runs started together: they wait for each other and do not skip or replace each
// other.
func inTurn(p *cron.Policies) cron.OverlapPolicy {
	if p.Overlap == cron.Allow {
		return cron.Allow
	}
	return cron.Queue
}

// LateDetail describes a missed start deadline.
func LateDetail(within time.Duration) string {
	return fmt.Sprintf("could not start within %s of its slot", within)
}

func stamp(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339) }
