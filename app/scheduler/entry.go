package scheduler

import (
	"encoding/json"
	"fmt"
	"time"

	"fibercrons/app/clock"
	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/plan"
	"fibercrons/app/runner"
)

// entry is a job, or a stored schedule of one, and its next slot. claimer.mu guards the fields that change.
type entry struct {
	job       *cron.Job
	lane      *runner.Lane
	table     *plan.Table
	code      plan.Table      // from the code
	placement clock.Placement // of table's schedules
	stored    *stored         // nil: the job itself

	// Small fields are grouped to save memory, because there may be a hundred thousand jobs.

	// pressing: slots are claimed when they are due, without waiting for a free worker.
	pressing   bool
	busy       bool // its slots are being claimed
	again      bool // it was due while busy
	waits      bool // the gate refused or failed; due again later
	superseded bool // a newer version has changed or removed it

	next  int64 // first unsettled slot, in ms; plan.Never: none
	ahead int64 // how far this machine's clock was ahead of the store's at the last early slot, in ms
	// unconfirmed has the fences of failed claims. They are repeated under the same fences to learn whether they had
	// succeeded.
	unconfirmed map[int64]contract.Fence
	adrift      error     // why it is not on its schedule
	pruned      time.Time // used only by leases.prune
}

func (e *entry) init(j *cron.Job, lane *runner.Lane, queue bool) {
	p := &j.Policies
	*e = entry{job: j, lane: lane, code: plan.TableOf(j), next: plan.Never}
	lane.Job, lane.Serial = j, p.Overlap == cron.Queue || p.Overlap == cron.Replace
	e.table = &e.code
	e.pressing = e.lane.Serial || p.Group != "" || queue
}

// after returns the job's first slot after ms.
func (e *entry) after(ms int64) int64 { return e.table.After(ms) }

// due reports whether there is an unsettled slot at now, in ms.
func (e *entry) due(now int64) bool {
	return e.next <= now-e.ahead && !e.ofJob().superseded && !e.waits
}

// ofJob returns the entry of the job.
func (e *entry) ofJob() *entry {
	if e.stored != nil {
		return e.stored.base
	}
	return e
}

// schedule returns the ID of the stored schedule, or the empty string.
func (e *entry) schedule() string {
	if e.stored != nil {
		return e.stored.id
	}
	return ""
}

// args returns the arguments of a run for a slot.
func (e *entry) args() json.RawMessage {
	if e.stored != nil {
		return e.stored.args
	}
	return e.job.DefaultArgs()
}

// maxBackfill limits the slots of one Backfill.
const maxBackfill = 1000

// between returns the job's slots from from to to.
func (e *entry) between(from, to time.Time) ([]time.Time, error) {
	wrong := func(field, format string, a ...any) error {
		return cron.RequestError(e.job.Name, field, fmt.Sprintf(format, a...))
	}
	if to.Before(from) {
		return nil, wrong("/to", "%s is before %s", to.Format(time.RFC3339), from.Format(time.RFC3339))
	}
	if to.After(time.Now()) {
		return nil, wrong("/to", "%s is in the future", to.Format(time.RFC3339))
	}
	var slots []time.Time
	for slot := e.after(from.UnixMilli() - 1); slot <= to.UnixMilli(); slot = e.after(slot) {
		if len(slots) == maxBackfill {
			return nil, wrong("/from", "more than %d slots lie between %s and %s; backfill in parts", maxBackfill, from.Format(time.RFC3339), to.Format(time.RFC3339))
		}
		slots = append(slots, time.UnixMilli(slot).UTC())
	}
	if len(slots) == 0 {
		return nil, wrong("/from", "no slot of the job lies between %s and %s", from.Format(time.RFC3339), to.Format(time.RFC3339))
	}
	return slots, nil
}

// tableFor returns the job's timetable under an override. Most jobs never have one.
func (e *entry) tableFor(o plan.Override) (*plan.Table, error) {
	if o.At.IsZero() {
		return &e.code, nil
	}
	return plan.Overridden(e.job, o)
}
