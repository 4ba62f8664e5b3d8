package crontest

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

// memRun is a stored run. Rare data is in memRest.
type memRun struct {
	prev, next *memRun // in the ring of active runs
	line       *memLine
	more       *memRest
	id         string
	number     int64 // of insertion
	token      int64
	slot       int64
	queuedAt   int64
	startedAt  int64
	endedAt    int64
	leaseUntil int64
	dueAt      int64 // of a deferred run; 0: it is not deferred
	status     cron.Status
	reason     cron.Reason
	trigger    cron.Trigger
	group      string
	instance   string
	attempt    int
	hand       bool
}

type memRest struct {
	dataSlot     time.Time
	nextAt       time.Time
	attemptAt    time.Time // of an attempt that is not the first
	cancelAt     time.Time
	cancelReason cron.Reason
	cancelBy     string
	err, stack   string
	key, actor   string
	args, result json.RawMessage
	progress     *cron.Progress
	attempts     []cron.Attempt
	lines        []cron.LogLine // by Seq
}

func (r *memRun) rest() *memRest {
	if r.more == nil {
		r.more = new(memRest)
	}
	return r.more
}

// active reports whether the run is queued or running; a deferred one is neither.
func (r *memRun) active() bool { return !r.status.Ended() && !r.deferred() }

func (r *memRun) deferred() bool { return r.dueAt != 0 }

func (r *memRun) claimed(by string) contract.Claimed {
	return contract.Claimed{Won: r.id == by, ID: r.id, Status: r.status, Reason: r.reason}
}

// cancel records the first request to cancel the run.
func (r *memRun) cancel(at time.Time, reason cron.Reason, by string) {
	if x := r.rest(); x.cancelAt.IsZero() {
		x.cancelAt, x.cancelReason, x.cancelBy = instant(at), reason, by
	}
}

func (r *memRun) cancelled() bool { return r.more != nil && !r.more.cancelAt.IsZero() }

// note appends new lines.
func (r *memRun) note(lines []cron.LogLine, p *cron.Progress) {
	if p != nil {
		kept := *p
		r.rest().progress = &kept
	}
	for _, l := range lines {
		l.Time, l.Attrs = instant(l.Time), slices.Clone(l.Attrs)
		x := r.rest()
		at, found := slices.BinarySearchFunc(x.lines, l.Seq, func(l cron.LogLine, seq int64) int {
			return cmp.Compare(l.Seq, seq)
		})
		if !found {
			x.lines = slices.Insert(x.lines, at, l)
		}
	}
}

// settled updates the state of the job, and of the stored schedule, after the end of a run.
func (m *Memory) settled(r *memRun) {
	if g := m.schedules[r.line.schedule]; g != nil {
		g.LastRunID, g.LastStatus = r.id, r.status
		if r.startedAt != 0 {
			g.LastRun = millis(r.startedAt)
		}
	}
	s := &r.line.job.state
	s.LastStatus, s.LastError = r.status, ""
	if r.more != nil {
		s.LastError = r.more.err
	}
	if r.startedAt == 0 {
		return
	}
	s.LastRun, s.LastRunID, s.LastSlot = millis(r.startedAt), r.id, time.Time{}
	if !r.hand {
		s.LastSlot = millis(r.slot)
	}
	s.LastDurationMS = r.endedAt - r.startedAt
	s.Runs++
	switch r.status {
	case cron.Succeeded:
		s.LastSuccess = millis(r.endedAt)
	case cron.Failed, cron.Interrupted:
		s.Failures++
	}
}

func (r *memRun) record() cron.Record {
	rec := cron.Record{
		ID: r.id, Job: r.line.job.state.Name, Schedule: cron.ScheduleOf(r.line.schedule), Status: r.status, Reason: r.reason, Trigger: r.trigger,
		Attempt: r.attempt, Instance: r.instance, QueuedAt: millis(r.queuedAt),
		StartedAt: optional(r.startedAt), EndedAt: optional(r.endedAt), Token: r.token, Group: r.group,
		NextAt: optional(r.dueAt), Deferred: r.deferred(),
	}
	if !r.hand {
		at := millis(r.slot)
		rec.Slot = &at
	}
	if r.startedAt != 0 && r.endedAt != 0 {
		d := r.endedAt - r.startedAt
		rec.Duration = &d
	}
	if x := r.more; x != nil {
		rec.Error, rec.Stack, rec.Key, rec.Actor = x.err, x.stack, x.key, x.actor
		rec.Args, rec.Result = slices.Clone(x.args), slices.Clone(x.result)
		rec.Attempts = slices.Clone(x.attempts)
		rec.DataSlot, rec.Cancel, rec.AttemptAt = pointer(x.dataSlot), pointer(x.cancelAt), pointer(x.attemptAt)
		if !x.nextAt.IsZero() {
			rec.NextAt = pointer(x.nextAt)
		}
		if x.progress != nil {
			p := *x.progress
			rec.Progress = &p
		}
		if n := len(x.lines); n > 0 {
			rec.LogSeq = x.lines[n-1].Seq
		}
	}
	return rec
}

func millis(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

func optional(ms int64) *time.Time {
	if ms == 0 {
		return nil
	}
	t := millis(ms)
	return &t
}

func pointer(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
