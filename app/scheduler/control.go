package scheduler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/millis"
	"fibercrons/app/plan"
)

// Request is a request for a manual run.
type Request struct {
	Args  json.RawMessage // nil: the job's defaults
	Key   string          // a second request with the same key returns the first one's run
	Actor string          // the caller
	Force bool            // run even if the job is paused or running
	Slot  time.Time       // the past slot that [cron.Run.Slot] returns; zero: none
	// At records the run for later: it is queued, and any process begins it then. Zero: it begins now.
	At time.Time

	schedule string // ID of a stored schedule
}

// Trigger begins a manual run in this process and returns when it is recorded. Errors: [*cron.NoJobError],
// [*cron.ArgsError], [*contract.RefusedError], or the store's.
func (s *Scheduler) Trigger(ctx context.Context, name string, req Request) (cron.Record, error) {
	e, err := s.entry(name)
	if err != nil {
		return cron.Record{}, err
	}
	if err := fit(name, "/key", req.Key, longestKey); err != nil {
		return cron.Record{}, err
	}
	args, err := e.job.Accept(req.Args)
	if err != nil {
		return cron.Record{}, err
	}
	c := s.claimer.byHand(e, cron.ByHand, args, req.Actor)
	c.Key, c.Force, c.DataSlot, c.Schedule = req.Key, req.Force, millis.Whole(req.Slot), req.schedule
	if req.At.After(c.At) {
		return s.deferred(ctx, postponed(c, req.At))
	}
	return s.launch(ctx, c)
}

// launch claims and begins a manual run in this process.
func (s *Scheduler) launch(ctx context.Context, c contract.Claim) (cron.Record, error) {
	rec, err := s.claimer.launch(ctx, c)
	for refused := (*contract.RefusedError)(nil); errors.As(err, &refused) && refused.Reason == cron.ReasonOverlap && s.leases.sweepJob(c.Job); {
		rec, err = s.claimer.launch(ctx, c) // the other run's process was dead
	}
	if err == nil && rec.Job == "" { // an earlier run with the same key
		return s.Record(ctx, rec.ID)
	}
	return rec, err
}

// postponed returns the claim of a run that begins at a time, in whichever process; in the past: at once.
func postponed(c contract.Claim, at time.Time) contract.Claim {
	c.Instance, c.Lease, c.NotBefore = "", 0, c.At
	if at.After(c.At) {
		c.NotBefore = millis.Whole(at)
	}
	return c
}

// deferred records a run for later.
func (s *Scheduler) deferred(ctx context.Context, c contract.Claim) (cron.Record, error) {
	id, err := s.claimer.deferred(ctx, c)
	if err != nil {
		return cron.Record{}, err
	}
	s.agenda.kick()
	return s.Record(ctx, id)
}

// Enqueue records a run that any process begins at o.At, or as soon as it can: it waits for a paused job, and for its
// turn unless the job's runs may overlap. in is a transaction of the user's; nil: it is committed. Errors are those of
// [Scheduler.Trigger]. The record of a run in a transaction has only what the request says.
func (s *Scheduler) Enqueue(ctx context.Context, in contract.Transaction, name string, args any, o cron.EnqueueOptions, actor string) (cron.Record, error) {
	e, err := s.entry(name)
	if err != nil {
		return cron.Record{}, err
	}
	if err := fit(name, "/key", o.Key, longestKey); err != nil {
		return cron.Record{}, err
	}
	complete, err := e.job.Encode(args)
	if err != nil {
		return cron.Record{}, err
	}
	c := postponed(s.claimer.byHand(e, cron.ByHand, complete, actor), o.At)
	c.Key = o.Key
	if in == nil {
		return s.deferred(ctx, c)
	}
	got, err := in.Defer(ctx, c)
	if err != nil {
		return cron.Record{}, fmt.Errorf("enqueue job %q: %w", name, err)
	}
	s.agenda.kick()
	return cron.Record{
		ID: got.ID, Job: name, Status: got.Status, Trigger: c.Trigger, Args: c.Args, Key: c.Key, Actor: actor,
		QueuedAt: c.At, NextAt: millis.Optional(c.NotBefore),
	}, nil
}

// Await returns the run when it has ended. If ctx ends first, it returns the current record and ctx's error.
func (s *Scheduler) Await(ctx context.Context, id string) (cron.Record, error) {
	for {
		done := s.runner.Done(id)
		rec, err := s.Record(ctx, id)
		if err != nil {
			return rec, err
		}
		if rec.Status.Ended() {
			if done != nil { // recorded, but not dropped yet
				select {
				case <-done:
				case <-ctx.Done():
				}
			}
			return rec, nil
		}
		var poll <-chan time.Time
		if done == nil {
			poll = time.After(250 * time.Millisecond)
		}
		select {
		case <-ctx.Done():
			return rec, ctx.Err()
		case <-done:
		case <-poll:
		}
	}
}

// Cancel requests the end of a run on any process and returns the record. An ended run is returned unchanged.
func (s *Scheduler) Cancel(ctx context.Context, id, actor string) (cron.Record, error) {
	rec, err := s.cfg.Store.Cancel(ctx, id, cron.ReasonRequested, actor)
	if err != nil {
		return rec, err
	}
	s.runner.Cancel(id, cron.ReasonRequested, actor)
	return rec, nil
}

// Retry repeats an ended run as a new run with the same arguments and slot.
func (s *Scheduler) Retry(ctx context.Context, id, actor string) (cron.Record, error) {
	rec, err := s.cfg.Store.Run(ctx, id)
	if err != nil {
		return rec, err
	}
	if !rec.Status.Ended() {
		return rec, &contract.RefusedError{Job: rec.Job, Reason: cron.ReasonOverlap}
	}
	e, err := s.entry(rec.Job)
	if err != nil {
		return rec, err
	}
	args, err := e.job.Accept(rec.Args)
	if err != nil {
		return rec, err
	}
	c := s.claimer.byHand(e, cron.ByRetry, args, actor)
	switch {
	case rec.Slot != nil:
		c.DataSlot = *rec.Slot
	case rec.DataSlot != nil:
		c.DataSlot = *rec.DataSlot
	}
	c.Schedule = rec.ScheduleID()
	return s.launch(ctx, c)
}

// Backfill runs the slots of a job from from to to, inclusive, one after the other, even if they were settled before.
// [cron.Run.Slot] returns each one's slot. After an error it returns the runs that were started.
func (s *Scheduler) Backfill(ctx context.Context, name string, from, to time.Time, actor string) ([]cron.Record, error) {
	slots, err := s.BackfillSlots(ctx, name, from, to)
	if err != nil {
		return nil, err
	}
	e := s.byName[name]
	args, err := e.job.Accept(nil)
	if err != nil {
		return nil, err
	}
	recs := make([]cron.Record, 0, len(slots))
	for _, slot := range slots {
		c := s.claimer.byHand(e, cron.ByBackfill, args, actor)
		c.DataSlot, c.Force = slot, true
		if c.Overlap != cron.Allow {
			c.Overlap = cron.Queue
		}
		c.QueueCap = maxBackfill * 10
		rec, err := s.launch(ctx, c)
		if err != nil {
			return recs, err
		}
		recs = append(recs, rec)
	}
	return recs, nil
}

// BackfillSlots returns the slots that [Scheduler.Backfill] would run. Its errors are the same.
func (s *Scheduler) BackfillSlots(ctx context.Context, name string, from, to time.Time) ([]time.Time, error) {
	e, err := s.entry(name)
	if err != nil {
		return nil, err
	}
	overrides, err := s.cfg.Store.Overrides(ctx)
	if err != nil {
		return nil, err
	}
	s.claimer.follow(overrides) // needed in a process without a clock
	return s.claimer.between(e, from, to)
}

// Pause pauses a job on every process, until p.Until or without an end, or resumes it. Slots during the pause are
// recorded as skipped and not caught up.
func (s *Scheduler) Pause(ctx context.Context, p contract.Pause) (contract.State, error) {
	e, err := s.entry(p.Job)
	if err != nil {
		return contract.State{}, err
	}
	p.At = millis.Now()
	if err := checkPause(p.Job, p.Reason, p.Resume, p.Until, p.At); err != nil {
		return contract.State{}, err
	}
	st, err := s.set(ctx, e, func() (contract.State, error) { return s.cfg.Store.Pause(ctx, p) })
	if err != nil {
		return contract.State{}, err
	}
	event := contract.JobWasPaused
	if p.Resume {
		event = contract.JobWasResumed
	}
	s.events.Tell(func() contract.Event { return contract.Event{Kind: event, Job: p.Job} })
	return st, nil
}

// checkPause refuses a pause or resumption of a job or a stored schedule of it.
func checkPause(job, reason string, resume bool, until, now time.Time) error {
	if err := fit(job, "/reason", reason, longestReason); err != nil {
		return err
	}
	if !resume && !until.IsZero() && !until.After(now) {
		return cron.RequestError(job, "/until", "is in the past")
	}
	return nil
}

// Reschedule overrides the job's schedule on every process and across restarts, until an empty expr lifts it. zone is
// that of expr; empty: the job's. Slots before now are not checked again. Errors: [*cron.NoJobError],
// [*cron.ArgsError], or the store's.
func (s *Scheduler) Reschedule(ctx context.Context, name, expr, zone, actor string) (contract.State, error) {
	e, err := s.entry(name)
	if err != nil {
		return contract.State{}, err
	}
	if err := fit(name, "/expr", expr, longestExpr); err != nil {
		return contract.State{}, err
	}
	o := plan.Override{Job: name, Expr: strings.TrimSpace(expr), Zone: zone, Actor: actor, At: millis.Now()}
	if o.Expr == "" {
		o.Zone = ""
	}
	if _, err := plan.Overridden(e.job, o); err != nil {
		return contract.State{}, plan.WrongOverride(o, err)
	}
	st, err := s.set(ctx, e, func() (contract.State, error) { return s.cfg.Store.Override(ctx, o) })
	if err != nil {
		return contract.State{}, err
	}
	s.claimer.follow([]plan.Override{st.Override})
	s.events.Tell(func() contract.Event { return contract.Event{Kind: contract.JobRescheduled, Job: name} })
	return st, nil
}

// set changes the state of a job, and adds the job to the store before if that does not have it.
func (s *Scheduler) set(ctx context.Context, e *entry, change func() (contract.State, error)) (contract.State, error) {
	st, err := change()
	if !errors.Is(err, cron.ErrNotFound) {
		return st, err
	}
	if err := s.register(ctx, e); err != nil {
		return contract.State{}, err
	}
	return change()
}

// register adds a job to a store in which no scheduler has run yet.
func (s *Scheduler) register(ctx context.Context, e *entry) error {
	known, err := s.cfg.Store.States(ctx)
	if err != nil {
		return err
	}
	defs := []contract.Definition{{Name: e.job.Name, Definition: definitionOf(e.job)}}
	for name, st := range known { // Sync marks jobs that are not listed as removed
		if name != e.job.Name && st.RemovedAt.IsZero() {
			defs = append(defs, contract.Definition{Name: name, Definition: st.Definition})
		}
	}
	_, err = s.cfg.Store.Sync(ctx, contract.Program{Definitions: defs, At: millis.Now()})
	return err
}

func (s *Scheduler) entry(name string) (*entry, error) {
	if e := s.byName[name]; e != nil {
		return e, nil
	}
	_, err := Find(s.cfg.Jobs, name)
	return nil, err
}

// Find returns the job of that name, or a [*cron.NoJobError].
func Find(jobs []*cron.Job, name string) (*cron.Job, error) {
	names := make([]string, len(jobs))
	for i, j := range jobs {
		if names[i] = j.Name; j.Name == name {
			return j, nil
		}
	}
	return nil, cron.NoJob(name, names)
}

const (
	longestKey    = 200
	longestReason = 500
	longestExpr   = 500
)

// fit refuses a text that is too long or that some database cannot store. Other control characters are stored unchanged
// and escaped when they are shown.
func fit(job, field, text string, longest int) error {
	var detail string
	switch {
	case !utf8.ValidString(text):
		detail = "is not UTF-8"
	case strings.Contains(text, "\x00"):
		detail = "holds a NUL character"
	case utf8.RuneCountInString(text) > longest:
		detail = fmt.Sprintf("is longer than %d characters", longest)
	default:
		return nil
	}
	return cron.RequestError(job, field, detail)
}
