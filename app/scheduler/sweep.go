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

// sweep settles runs whose lease has expired: their process died, or was away for too long. It stops when the next
// heartbeat is due.
func (l *leases) sweep() {
	limit := sweepStep
	for began := time.Now(); time.Since(began) < l.cfg.Lease/3; {
		if !l.phase.awake() {
			return
		}
		expired, err := l.cfg.Store.Expired(l.calls, limit)
		if err != nil {
			l.log.Error("runs of dead processes could not be looked for", "error", err)
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
			limit *= 10 // all of these are others', and ours may be behind them
		}
	}
}

// takeOver settles those of the expired runs that are this process's to settle. The answer has one for each of
// them, whether it was settled here; it may have been by another process.
func (l *leases) takeOver(expired []cron.Record) (done []bool, err error) {
	takes, from := l.verdicts(expired)
	if len(takes) == 0 {
		return nil, nil
	}
	if done, err = l.cfg.Store.Take(l.calls, takes); err == nil {
		l.taken(takes, from, done)
	}
	return done, err
}

// sweepJob settles what dead processes have left behind of one job, for a process that sweeps nothing: nobody
// else may be there to. It says whether there was something.
func (l *leases) sweepJob(name string) bool {
	if l.phase.awake() {
		return false
	}
	expired, err := l.cfg.Store.Expired(l.calls, 100*sweepStep)
	if err != nil {
		return false // the caller has a reason already
	}
	expired = slices.DeleteFunc(expired, func(rec cron.Record) bool { return rec.Job != name })
	done, err := l.takeOver(expired)
	return err == nil && slices.Contains(done, true)
}

// verdicts decides what becomes of expired runs.
func (l *leases) verdicts(expired []cron.Record) (takes []contract.Take, from []cron.Record) {
	now := millis.Now()
	removed := l.removed(expired)
	phase := l.phase.get()
	for _, rec := range expired {
		if rec.Instance == l.instance.ID {
			continue // we live; the next heartbeat extends this lease
		}
		t := contract.Take{NewToken: newToken(), Instance: l.instance.ID, Lease: l.cfg.Lease}
		t.Finish = finishOf(&rec, contract.Fence{ID: rec.ID, Token: rec.Token}, now)
		e := l.byName[rec.Job]
		known := e != nil && e.job.Disabled == ""
		// left: to a process that ticks. One that was stopped during its sweep takes nothing over.
		left := phase != ticking && (phase != tending || rec.Slot != nil)
		switch {
		case e == nil && !removed[rec.Job], e != nil && l.claimer.superseded(e):
			continue // another version's; it will take it
		case rec.Status == cron.Running:
			t.Finish = crashed(t.Finish, rec, e)
		case rec.Cancel != nil:
			t.Status, t.Reason, t.Error = cron.Cancelled, cron.ReasonRequested, "cancelled while it waited"
		case !known && removed[rec.Job]:
			t.Status, t.Reason, t.Error = cron.Cancelled, cron.ReasonRemoved, "its job is no longer registered"
		case !known:
			continue // another environment's
		case left:
			continue
		default:
			t.Status = cron.Queued
			if e.tooLate(rec, now) {
				t.Status, t.Reason, t.Error = cron.Skipped, cron.ReasonMissed, "its process ended before it could start"
			}
		}
		if left && t.Status == cron.Queued {
			t.Instance, t.Lease = "", 0 // likewise, but it is not to say until then that it is running
		}
		takes, from = append(takes, t), append(from, rec)
	}
	return takes, from
}

// finishOf is an end, still without a status, of a run that this process knows by its record alone.
func finishOf(rec *cron.Record, fence contract.Fence, now time.Time) contract.Finish {
	f := contract.Finish{Fence: fence, Job: rec.Job, Attempts: rec.Attempts, Result: rec.Result, Progress: rec.Progress, At: now}
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

// crashed decides about a run whose process died in mid-attempt.
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

// tooLate says whether a slot that never started is one the catch-up policy leaves out.
func (e *entry) tooLate(rec cron.Record, now time.Time) bool {
	if rec.Attempt > 0 || rec.Slot == nil {
		return false
	}
	age := now.Sub(*rec.Slot)
	p := &e.job.Policies
	return age > p.CatchUpFor && age > plan.MissedLive*time.Millisecond ||
		p.CatchUp == cron.None && age > plan.MissedLive*time.Millisecond
}

// removed says which jobs of the records are registered nowhere.
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

// taken continues runs that were taken over, and reports those that were ended.
func (l *leases) taken(takes []contract.Take, from []cron.Record, done []bool) {
	for i := range takes {
		if !done[i] {
			continue
		}
		t, rec := &takes[i], from[i]
		e := l.byName[rec.Job]
		l.log.Warn("a run of a dead process was settled", "job", rec.Job, "run", rec.ID, "was", rec.Status, "is", t.Status)
		switch {
		case !t.Status.Ended():
			if t.Instance != "" {
				l.runner.Adopt(&e.lane, &rec, t)
			}
			continue
		case e != nil:
			e.lane.NoteEnd()
		}
		rec.Status, rec.Reason, rec.Error, rec.EndedAt, rec.Attempts = t.Status, t.Reason, t.Error, &t.At, t.Attempts
		if e != nil && t.Status == cron.Skipped {
			l.runner.Skipped(e.job, rec)
		}
		l.events.Tell(contract.Event{Kind: contract.RunEnded, Job: rec.Job, Record: rec})
		l.events.Changed()
	}
}
