package scheduler

import (
	"fmt"
	"slices"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/millis"
	"fibercrons/app/plan"
)

// sweep settles runs with an expired lease, whose process died or was unreachable. It stops when the next heartbeat is
// due.
func (l *leases) sweep() {
	limit := sweepStep
	for began := time.Now(); time.Since(began) < l.cfg.Lease/3; {
		if !l.phase.awake() {
			return
		}
		expired, err := l.cfg.Store.Expired(l.calls, limit)
		if err != nil {
			l.log.Error("runs of dead processes could not be read", "error", err)
			return
		}
		done, err := l.takeOver(expired)
		switch {
		case err != nil:
			l.log.Error("runs of dead processes could not be settled", "error", err)
			return
		case len(expired) < limit:
			return
		case len(done) > 0:
		case limit >= 100*sweepStep:
			return
		default:
			limit *= 10 // other processes settle all of these, and ours may follow
		}
	}
}

// takeOver settles the expired runs that this process can settle. done says for each of these whether it was settled
// here.
func (l *leases) takeOver(expired []cron.Record) (done []bool, err error) {
	takes, from := l.decideTakes(expired)
	if len(takes) == 0 {
		return nil, nil
	}
	if done, err = l.cfg.Store.Take(l.calls, takes); err == nil {
		l.taken(takes, from, done)
	}
	return done, err
}

// sweepJob settles one job's runs of dead processes in a process that does not sweep, because there may be no other. It
// reports whether there were any.
func (l *leases) sweepJob(name string) bool {
	if l.phase.awake() {
		return false
	}
	expired, err := l.cfg.Store.Expired(l.calls, 100*sweepStep)
	if err != nil {
		return false // the caller reports its own error
	}
	expired = slices.DeleteFunc(expired, func(rec cron.Record) bool { return rec.Job != name })
	done, err := l.takeOver(expired)
	return err == nil && slices.Contains(done, true)
}

// decideTakes decides about expired runs.
func (l *leases) decideTakes(expired []cron.Record) (takes []contract.Take, from []cron.Record) {
	now := millis.Now()
	removed := l.removed(expired)
	phase := l.phase.get()
	for _, rec := range expired {
		if rec.Instance == l.instance.ID {
			continue // the next heartbeat extends this lease
		}
		t := contract.Take{NewToken: newToken(), Instance: l.instance.ID, Lease: l.cfg.Lease}
		t.Finish = finishOf(&rec, contract.Fence{ID: rec.ID, Token: rec.Token}, now)
		e := l.byName[rec.Job]
		known := e != nil && e.job.Disabled == ""
		// left: only a ticking process takes it over. A process that is stopping takes nothing over.
		left := phase != ticking && (phase != maintaining || rec.Slot != nil)
		switch {
		case e == nil && !removed[rec.Job], e != nil && l.claimer.superseded(e):
			continue // another version takes it over
		case rec.Status == cron.Running:
			t.Finish = crashed(t.Finish, rec, e)
		case rec.Cancel != nil:
			t.Status, t.Reason, t.Error = cron.Cancelled, cron.ReasonRequested, "cancelled while it waited"
		case !known && removed[rec.Job]:
			t.Status, t.Reason, t.Error = cron.Cancelled, cron.ReasonRemoved, "its job is no longer registered"
		case !known:
			continue // of another environment
		case left:
			continue
		default:
			t.Status = cron.Queued
			if e.tooLate(rec, now) {
				t.Status, t.Reason, t.Error = cron.Skipped, cron.ReasonMissed, "its process ended before it could start"
			}
		}
		if left && t.Status == cron.Queued {
			t.Instance, t.Lease = "", 0 // released, so that it is not recorded as running
		}
		takes, from = append(takes, t), append(from, rec)
	}
	return takes, from
}

// finishOf returns the end of a run, without a status, from its record.
func finishOf(rec *cron.Record, fence contract.Fence, now time.Time) contract.Finish {
	f := contract.Finish{Fence: fence, Job: rec.Job, Schedule: rec.ScheduleID(), Attempts: rec.Attempts, Result: rec.Result, Progress: rec.Progress, At: now}
	if rec.Slot != nil {
		f.Slot = *rec.Slot
	}
	if rec.StartedAt != nil {
		f.Started = *rec.StartedAt
	}
	if rec.NextAt != nil {
		f.NextAt = *rec.NextAt
	}
	return f
}

// crashed decides about a run whose process died during an attempt.
func crashed(f contract.Finish, rec cron.Record, e *entry) contract.Finish {
	a := cron.Attempt{Number: rec.Attempt, Instance: rec.Instance, Error: "interrupted: its process died or lost its lease"}
	a.StartedAt, _ = rec.AttemptStarted()
	crashes := rec.Attempt - rec.Failures()
	f.Attempts = append(append([]cron.Attempt(nil), rec.Attempts...), a)
	f.Status, f.Reason, f.NextAt = cron.Interrupted, cron.ReasonCrash, time.Time{}
	f.Error = "its process died or lost its lease in mid-run; what it did is unknown"
	if e != nil && e.job.Disabled == "" && e.job.Policies.OnCrash == cron.Rerun && rec.Cancel == nil {
		if crashes <= e.job.Policies.MaxReruns {
			f.Status, f.Reason, f.Error = cron.Queued, "", ""
		} else {
			f.Error = fmt.Sprintf("its process died %d times in mid-run", crashes)
		}
	}
	return f
}

// tooLate reports whether the catch-up policy excludes a slot that never started.
func (e *entry) tooLate(rec cron.Record, now time.Time) bool {
	if rec.Attempt > 0 || rec.Slot == nil {
		return false
	}
	age := now.Sub(*rec.Slot)
	p := &e.job.Policies
	return age > p.CatchUpFor && age > plan.MissedLive*time.Millisecond ||
		p.CatchUp == cron.None && age > plan.MissedLive*time.Millisecond
}

// removed returns which jobs of the records are no longer registered.
func (l *leases) removed(recs []cron.Record) map[string]bool {
	var unknown []string
	for _, rec := range recs {
		if l.byName[rec.Job] == nil {
			unknown = append(unknown, rec.Job)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	states, err := l.cfg.Store.States(l.calls, unknown...)
	if err != nil {
		return nil
	}
	gone := make(map[string]bool)
	for name, st := range states {
		gone[name] = !st.RemovedAt.IsZero()
	}
	return gone
}

// taken adopts runs that were taken over and reports those that were ended.
func (l *leases) taken(takes []contract.Take, from []cron.Record, done []bool) {
	for i := range takes {
		if !done[i] {
			continue
		}
		t, rec := &takes[i], from[i]
		e := l.byName[rec.Job]
		contract.LogRun(l.log, rec.Job, rec.ID, rec.ScheduleID()).Warn("a run of a dead process was settled", "was", rec.Status, "is", t.Status)
		switch {
		case !t.Status.Ended():
			if t.Instance != "" {
				l.runner.Adopt(l.laneOf(rec.Job, rec.ScheduleID()), &rec, t)
			}
			continue
		case e != nil:
			l.laneOf(rec.Job, rec.ScheduleID()).NoteEnd()
		}
		rec.Status, rec.Reason, rec.Error, rec.EndedAt, rec.Attempts = t.Status, t.Reason, t.Error, &t.At, t.Attempts
		if e != nil && t.Status == cron.Skipped {
			l.runner.Skipped(e.job, rec)
		}
		l.events.Tell(func() contract.Event { return contract.Event{Kind: contract.RunEnded, Job: rec.Job, Record: rec} })
	}
}
