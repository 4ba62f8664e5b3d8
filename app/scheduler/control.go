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
)

// Request asks for a run by hand.
type Request struct {
	Args  json.RawMessage // nil: the job's defaults
	Key   string          // a second request with the same key gets the first one's run
	Actor string          // who asks
	Force bool            // run though the job is paused or running
	Slot  time.Time       // the past slot that the run stands for: what [cron.Run.Slot] returns; zero: none
}

// Trigger asks for a run of a job, which goes on in this process. It returns once the run is
// recorded. Errors: [*cron.NoJobError], [*cron.ArgsError], [*contract.RefusedError], or the store's.
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
	for {
		c := s.byHand(e, cron.ByHand, args, req.Actor)
		c.Key, c.Force, c.DataSlot = req.Key, req.Force, millis.Whole(req.Slot)
		rec, err := s.launch(ctx, e, c)
		if refused := (*contract.RefusedError)(nil); errors.As(err, &refused) && refused.Reason == cron.ReasonOverlap && s.sweepJob(name) {
			continue // it was a dead process's run that stood in the way
		}
		return rec, err
	}
}

func (s *Scheduler) byHand(e *entry, trigger cron.Trigger, args json.RawMessage, actor string) contract.Claim {
	p := &e.job.Policies
	now := millis.Now()
	return contract.Claim{
		Fence: s.newFence(now), Job: e.job.Name, Trigger: trigger, Status: cron.Queued, Args: args, Actor: actor,
		Overlap: p.Overlap, QueueCap: p.CatchUpCap, Group: p.Group, Instance: s.instance.ID, Lease: s.cfg.Lease,
		At: now,
	}
}

// launch claims a run by hand and begins it.
func (s *Scheduler) launch(ctx context.Context, e *entry, c contract.Claim) (cron.Record, error) {
	s.mu.Lock()
	if s.phase >= draining {
		s.mu.Unlock()
		return cron.Record{}, &contract.RefusedError{Job: c.Job, Reason: cron.ReasonShutdown}
	}
	direct := s.cfg.Executor == nil && s.free > 0 && s.ready.len() == 0 && !e.serial && c.Overlap != cron.Queue && c.Group == ""
	if direct {
		s.free--
		c.Status = cron.Running
	}
	s.claiming++
	s.wg.Add(1)
	s.mu.Unlock()
	s.keepOn()
	defer s.wg.Done()
	if s.cfg.Asked != nil {
		s.cfg.Asked(ctx, c.ID)
	}

	got, err := s.claimOne(ctx, c)
	s.mu.Lock()
	s.claiming--
	if err != nil {
		if direct {
			s.free++
		}
		s.pump()
		s.mu.Unlock()
		return cron.Record{}, fmt.Errorf("run job %q: %w", c.Job, err)
	}
	if got.Refused != "" {
		if direct {
			s.free++
			s.pump()
		}
		s.mu.Unlock()
		return cron.Record{}, &contract.RefusedError{Job: c.Job, Reason: got.Refused}
	}
	var r *run
	if got.GoesOn() {
		r = new(run)
		s.prepare(r, e, &c, &got)
	}
	if run := s.claimed(e, &c, &got, r, direct); run != nil {
		s.wg.Go(func() { s.labour(work{run: run}) })
	}
	var rec cron.Record
	if r != nil {
		rec = r.record()
		if rec.Status == cron.Running && rec.StartedAt == nil {
			rec.StartedAt = &c.At
		}
	}
	s.pump()
	s.mu.Unlock()
	if r == nil {
		return s.Record(ctx, got.ID)
	}
	return rec, nil
}

// claimOne asks until the store has answered, since a claim that may have been made must not
// be left without its run. It gives up when ctx has ended before the first answer.
func (s *Scheduler) claimOne(ctx context.Context, c contract.Claim) (contract.Claimed, error) {
	if err := ctx.Err(); err != nil {
		return contract.Claimed{}, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.Lease/2)
	defer cancel()
	var got []contract.Claimed
	err := s.repeat(ctx, func(err error) bool { return errors.Is(err, context.DeadlineExceeded) }, func() (err error) {
		got, err = s.measured(ctx, []contract.Claim{c})
		return err
	})
	if err != nil {
		return contract.Claimed{}, err
	}
	return got[0], nil
}

// Await returns the run once it has ended; when ctx ends before, as it stands, with ctx's error.
func (s *Scheduler) Await(ctx context.Context, id string) (cron.Record, error) {
	for {
		s.mu.Lock()
		var done chan struct{}
		if r := s.runs.find(id); r != nil {
			if r.done == nil {
				r.done = make(chan struct{})
			}
			done = r.done
		}
		s.mu.Unlock()
		rec, err := s.Record(ctx, id)
		if err != nil {
			return rec, err
		}
		if rec.Status.Ended() {
			if done != nil { // recorded, and about to be let go of
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

// Cancel asks for the end of a run, on whatever process it goes on, and returns the record.
// A run that has ended is returned as it is.
func (s *Scheduler) Cancel(ctx context.Context, id, actor string) (cron.Record, error) {
	rec, err := s.store.Cancel(ctx, id, cron.ReasonRequested, actor)
	if err != nil {
		return rec, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.runs.find(id); r != nil {
		s.cancel(r, cron.ReasonRequested, actor)
	}
	return rec, nil
}

// Retry runs a run that has ended once more, as a new run with its arguments and its slot.
func (s *Scheduler) Retry(ctx context.Context, id, actor string) (cron.Record, error) {
	rec, err := s.store.Run(ctx, id)
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
	c := s.byHand(e, cron.ByRetry, args, actor)
	switch {
	case rec.Slot != nil:
		c.DataSlot = *rec.Slot
	case rec.DataSlot != nil:
		c.DataSlot = *rec.DataSlot
	}
	return s.launch(ctx, e, c)
}

// maxBackfill is how many slots one call of Backfill runs.
const maxBackfill = 1000

// Backfill runs the slots of a job from from to to, both included, on purpose, one after the
// other, whatever became of them before. [cron.Run.Slot] is the slot each stands for.
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
		c := s.byHand(e, cron.ByBackfill, args, actor)
		c.DataSlot, c.Force = slot, true
		if c.Overlap != cron.Allow {
			c.Overlap = cron.Queue
		}
		c.QueueCap = maxBackfill * 10
		rec, err := s.launch(ctx, e, c)
		if err != nil {
			return recs, err
		}
		recs = append(recs, rec)
	}
	return recs, nil
}

// BackfillSlots returns the slots that [Scheduler.Backfill] would run, and its errors.
func (s *Scheduler) BackfillSlots(ctx context.Context, name string, from, to time.Time) ([]time.Time, error) {
	e, err := s.entry(name)
	if err != nil {
		return nil, err
	}
	overrides, err := s.store.Overrides(ctx)
	if err != nil {
		return nil, err
	}
	s.follow(overrides) // a process that does not tick has not asked yet
	s.mu.Lock()
	defer s.mu.Unlock()
	return e.between(from, to)
}

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

// Pause pauses a job on every process, or resumes it, until p.Until or for good. Slots that
// pass meanwhile are recorded as skipped and not caught up.
func (s *Scheduler) Pause(ctx context.Context, p contract.Pause) (contract.State, error) {
	e, err := s.entry(p.Job)
	if err != nil {
		return contract.State{}, err
	}
	if err := fit(p.Job, "/reason", p.Reason, longestReason); err != nil {
		return contract.State{}, err
	}
	p.At = millis.Now()
	if !p.Resume && !p.Until.IsZero() && !p.Until.After(p.At) {
		return contract.State{}, cron.RequestError(p.Job, "/until", "is in the past")
	}
	st, err := s.store.Pause(ctx, p)
	if errors.Is(err, cron.ErrNotFound) {
		if err = s.introduce(ctx, e); err == nil {
			st, err = s.store.Pause(ctx, p)
		}
	}
	if err != nil {
		return contract.State{}, err
	}
	event := contract.JobWasPaused
	if p.Resume {
		event = contract.JobWasResumed
	}
	s.mu.Lock()
	s.tell(contract.Event{Kind: event, Job: p.Job})
	s.mu.Unlock()
	return st, nil
}

func (s *Scheduler) entry(name string) (*entry, error) {
	if e := s.byName[name]; e != nil {
		return e, nil
	}
	_, err := Find(s.jobs, name)
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

// fit refuses a text that cannot be kept: too long, or with bytes that not every database takes.
// Other control characters are kept as they are, and made inert wherever they are shown.
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
