package runner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/millis"
	"fibercrons/app/internal/texts"
)

// allAttempts returns the ended attempts and the current one.
func (r *Run) allAttempts() []cron.Attempt {
	all := append([]cron.Attempt(nil), r.attempts...)
	if r.attemptAt != 0 {
		all = append(all, r.thisAttempt())
	}
	return all
}

func (r *Run) thisAttempt() cron.Attempt {
	return cron.Attempt{Number: r.Attempt(), Instance: r.host().instance, StartedAt: r.attemptAt.UTC()}
}

// record returns the current record.
func (r *Run) record() cron.Record {
	rec := cron.Record{
		ID: r.ID(), Job: r.Job(), Status: r.status, Trigger: r.Trigger(), Attempt: r.Attempt(),
		Attempts: r.allAttempts(), Args: r.Arguments(),
		Instance: r.host().instance, QueuedAt: r.queuedAt.UTC(), Token: r.token, Group: r.Definition().Policies.Group,
		TraceID: r.Trace(),
	}
	rec.Schedule, rec.Slot = cron.ScheduleOf(r.Schedule()), millis.Optional(r.Claimed().UTC())
	if g := r.Input(); g != nil {
		rec.DataSlot, rec.Key, rec.Actor = millis.Optional(g.DataSlot), g.Key, g.Actor
	}
	rec.StartedAt, rec.NextAt = millis.Optional(r.startedAt.UTC()), millis.Optional(r.nextAt.UTC())
	rec.Result, rec.Progress = r.Outcome()
	return rec
}

// Record returns the record of a run that no Runner has accepted yet.
func (r *Run) Record() cron.Record { return r.record() }

// endRecord returns the record after f.
func (r *Run) endRecord(f *contract.Finish) cron.Record {
	rec := r.record()
	rec.Status, rec.Reason, rec.Error, rec.Stack = f.Status, f.Reason, f.Error, f.Stack
	if f.Status.Ended() {
		rec.LogSeq = r.LastLine()
		rec.EndedAt = millis.Optional(f.At) // a copy, because f may be reused
		if !f.Started.IsZero() {
			took := f.At.Sub(f.Started).Milliseconds()
			rec.Duration = &took
		}
	}
	return rec
}

// unstarted returns the end of a run between attempts.
func (r *Run) unstarted(status cron.Status, reason cron.Reason, text string) contract.Finish {
	r.ending = true
	f := contract.Finish{
		Fence: r.fence(), Job: r.Job(), Schedule: r.Schedule(), Slot: r.Claimed().UTC(), Status: status, Reason: reason, Error: text,
		Attempts: r.allAttempts(), Started: r.startedAt.UTC(), At: millis.Now(),
	}
	if r.host().queue && r.status == cron.Queued { // another process may start it concurrently
		f.Attempt = r.Attempt() + 1
	}
	return f
}

// cancelled returns the end of a run that was stopped between attempts.
func (r *Run) cancelled() contract.Finish {
	return r.unstarted(cron.Cancelled, r.stopped.reason, r.stopped.Error())
}

// endedAt returns when and why the context of the current attempt ended; false: it has not.
func (r *Run) endedAt(now time.Time) (at time.Time, why string, _ bool) {
	if r.status != cron.Running || r.attemptAt == 0 || r.current == nil {
		return at, "", false
	}
	if t := r.Definition().Policies.Timeout; t > 0 {
		if at = r.attemptAt.UTC().Add(t); !now.Before(at) {
			why = (&cron.TimeoutError{After: t}).Error()
		}
	}
	if r.stoppedAt != 0 {
		// A stop before the attempt counts from the start of the attempt.
		if stopped := max(r.stoppedAt, r.attemptAt).UTC(); why == "" || stopped.Before(at) {
			at = stopped
			if why = errLost.Error(); r.stopped != nil {
				why = r.stopped.Error()
			}
		}
	}
	return at, why, why != ""
}

// overdue reports whether the function still runs although its context has ended.
func (r *Run) overdue(now time.Time) bool {
	at, _, ended := r.endedAt(now)
	return ended && (r.stoppedAt != 0 || now.Sub(at) > 100*time.Millisecond)
}

// finish returns the end of an attempt that returned err. Status Queued: another attempt follows.
func (r *Run) finish(ctx context.Context, err error, now time.Time, stopping bool) contract.Finish {
	r.ending = true
	f := contract.Finish{Fence: r.fence(), Job: r.Job(), Schedule: r.Schedule(), Slot: r.Claimed().UTC(), Started: r.startedAt.UTC(), At: now}
	if r.attemptAt != 0 {
		a := r.thisAttempt()
		a.EndedAt = &now
		if err != nil {
			a.Error = texts.Shorten(texts.OfError(err), maxAttemptError)
		}
		r.attempts, r.attemptAt = append(r.attempts, a), 0
	}
	if err == nil {
		f.Status = cron.Succeeded
	} else {
		f.Cause = err
		r.fail(ctx, &f, err, now, stopping)
	}
	f.Attempts = r.attempts[:len(r.attempts):len(r.attempts)]
	f.Result, f.Progress = r.Outcome()
	return f
}

// fail sets the end of an attempt that returned an error.
func (r *Run) fail(ctx context.Context, f *contract.Finish, err error, now time.Time, stopping bool) {
	var again *cron.RetryLater
	var stop *stopError
	stoppedBy := errors.As(context.Cause(ctx), &stop)
	switch {
	case errors.As(err, &again):
		r.AttemptFailed()
		f.Status, f.NextAt, f.Release = cron.Queued, now.Add(again.After), stopping
	case stoppedBy && stop.reason == cron.ReasonShutdown && r.Definition().Policies.OnCrash == cron.Rerun && r.Attempt() <= r.Definition().Policies.MaxReruns:
		f.Status, f.Release = cron.Queued, true
	case stoppedBy:
		f.Status, f.Reason, f.Error = cron.Cancelled, stop.reason, stop.Error()
		if !errors.Is(err, context.Canceled) && !errors.Is(err, stop) {
			f.Error = fmt.Sprintf("%s: %v", stop, err)
		}
	default:
		f.Status = cron.Failed
	}
	if f.Error == "" {
		f.Error = texts.OfError(err)
	}
	f.Error = texts.Clip(f.Error, texts.MaxLine)
	var p *cron.PanicError
	if errors.As(err, &p) {
		f.Stack = p.Stack
	}
}

// exitStatus returns the exit status of the program in err, as in [os/exec.ExitError]; 0: none.
func exitStatus(err error) int {
	var program interface {
		error
		ExitCode() int
	}
	if errors.As(err, &program) {
		return max(program.ExitCode(), 0) // -1: ended by a signal
	}
	return 0
}
