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

// sweep settles runs whose lease has expired: their process died, or was away for too long. It
// goes on for no longer than until the next sign of life is due.
func (s *Scheduler) sweep() {
	limit := sweepStep
	for began := time.Now(); time.Since(began) < s.cfg.Lease/3; {
		if !s.awake() {
			return
		}
		expired, err := s.store.Expired(s.work, limit)
		if err != nil {
			s.log.Error("runs of dead processes could not be looked for", "error", err)
			return
		}
		done, err := s.takeOver(expired)
		switch {
		case err != nil:
			s.log.Error("runs of dead processes could not be settled", "error", err)
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
func (s *Scheduler) takeOver(expired []cron.Record) (done []bool, err error) {
	takes, from := s.verdicts(expired)
	if len(takes) == 0 {
		return nil, nil
	}
	if done, err = s.store.Take(s.work, takes); err == nil {
		s.taken(takes, from, done)
	}
	return done, err
}

// sweepJob settles what dead processes have left behind of one job, for a process that sweeps nothing: nobody
// else may be there to. It says whether there was something.
func (s *Scheduler) sweepJob(name string) bool {
	if s.awake() {
		return false
	}
	expired, err := s.store.Expired(s.work, 100*sweepStep)
	if err != nil {
		return false // the caller has a reason already
	}
	expired = slices.DeleteFunc(expired, func(rec cron.Record) bool { return rec.Job != name })
	done, err := s.takeOver(expired)
	return err == nil && slices.Contains(done, true)
}

// awake says whether this process sees to what goes on in the store beside its own runs.
func (s *Scheduler) awake() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.phase == ticking || s.phase == tending
}

// verdicts decides what becomes of expired runs.
func (s *Scheduler) verdicts(expired []cron.Record) (takes []contract.Take, from []cron.Record) {
	now := millis.Now()
	removed := s.removed(expired)
	s.mu.Lock()
	phase := s.phase
	s.mu.Unlock()
	for _, rec := range expired {
		if rec.Instance == s.instance.ID {
			continue // we live; the next sign of it extends this lease
		}
		t := contract.Take{NewToken: newToken(), Instance: s.instance.ID, Lease: s.cfg.Lease}
		t.Finish = finishOf(&rec, contract.Fence{ID: rec.ID, Token: rec.Token}, now)
		e := s.byName[rec.Job]
		known := e != nil && e.job.Disabled == ""
		// To a process that ticks. One that has been told to stop during its sweep takes nothing over.
		left := phase != ticking && (phase != tending || rec.Slot != nil)
		switch {
		case e == nil && !removed[rec.Job], e != nil && e.superseded:
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
	crashes := rec.Attempt - failures(rec)
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

// failures counts the attempts of rec that ended in an error of the function.
func failures(rec cron.Record) (n int) {
	for _, a := range rec.Attempts {
		if a.EndedAt != nil && a.Error != "" {
			n++
		}
	}
	return n
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
func (s *Scheduler) removed(recs []cron.Record) map[string]bool {
	var unknown []string
	for _, rec := range recs {
		if s.byName[rec.Job] == nil {
			unknown = append(unknown, rec.Job)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	states, err := s.store.States(s.work, unknown...)
	if err != nil {
		return nil
	}
	gone := make(map[string]bool)
	for name, st := range states {
		gone[name] = !st.RemovedAt.IsZero()
	}
	return gone
}

// taken puts runs that were taken over in line.
func (s *Scheduler) taken(takes []contract.Take, from []cron.Record, done []bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, t := range takes {
		if !done[i] {
			continue
		}
		rec := from[i]
		s.log.Warn("a run of a dead process was settled", "job", rec.Job, "run", rec.ID, "was", rec.Status, "is", t.Status)
		if t.Status.Ended() {
			rec.Status, rec.Reason, rec.Error, rec.EndedAt, rec.Attempts = t.Status, t.Reason, t.Error, &t.At, t.Attempts
			if e := s.byName[rec.Job]; e != nil {
				e.dirty = true
				if t.Status == cron.Skipped {
					s.hooks.skipped(e.job, rec)
				}
			}
			s.tell(contract.Event{Kind: contract.RunEnded, Job: rec.Job, Record: rec})
			continue
		}
		if t.Instance != "" {
			s.adopt(rec, t)
		}
	}
	s.pump()
}

// adopt makes a run that was taken over one of this process's. s.mu is held.
func (s *Scheduler) adopt(rec cron.Record, t contract.Take) {
	r := s.restore(rec, t.NewToken, t.Attempts)
	r.startedAt = millis.Of(t.Started)
	s.keep(r)
	if time.Until(t.NextAt) > 0 {
		s.delay(r, contract.Finish{NextAt: t.NextAt})
		return
	}
	s.enlist(r)
}

// restore makes a run of a record, to be continued in this process.
func (s *Scheduler) restore(rec cron.Record, token int64, attempts []cron.Attempt) *run {
	e := s.byName[rec.Job]
	input := &cron.Input{Args: rec.Args, Key: rec.Key, Actor: rec.Actor}
	if rec.DataSlot != nil {
		input.DataSlot = *rec.DataSlot
	}
	var slot millis.Time
	if rec.Slot != nil {
		slot = millis.Of(*rec.Slot)
	}
	r := &run{
		entry: e, token: token, status: cron.Queued, queuedAt: millis.Of(rec.QueuedAt), attempts: attempts, serial: e.serial || rec.Trigger == cron.ByCatchUp || rec.Trigger == cron.ByBackfill,
	}
	r.Begin((*host)(s), e.job, rec.ID, rec.Trigger, slot, input)
	r.Resume(&rec, failures(rec))
	return r
}
