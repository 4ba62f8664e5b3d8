package scheduler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/millis"
	"fibercrons/app/internal/texts"
)

// run is a run of this process: what its function sees of it, and what the scheduler keeps about it. Scheduler.mu
// guards that, but for what is fixed when the run is made.
type run struct {
	cron.Hosted
	place
	entry *entry
	token int64
	seq   int64 // order of arrival in this process

	status    cron.Status // as committed: Queued or Running
	queuedAt  millis.Time
	startedAt millis.Time // of the first attempt
	nextAt    millis.Time
	attempts  []cron.Attempt // that have ended
	attemptAt millis.Time    // start of the one that goes on

	serial bool // at most one run of its job at a time, the others wait
	begun  bool // a worker has it
	placed bool // it has a place in its group; see limits.go
	gone   bool // this process has nothing more to do with it
	ending bool // its end, or its attempt's, is on its way to the store
	lost   bool // another owner has it: whatever it does now counts for nothing
	posted bool // it waits in the queue, or for its turn to; see post

	timer     *time.Timer // until nextAt
	first     scope       // of the first attempt here
	going     *scope      // of the attempt that goes on; nil: none does
	stopped   *stopError  // asked to end, and why
	stoppedAt millis.Time // when its context was ended, by that or because it is lost
	unheeding bool        // it was told that the attempt goes on although its context has ended
	done      chan struct{}
	sent      *sent                // nil: it has no ticket
	over      chan contract.Answer // of its ticket, when it is being worked

}

// sent is when the ticket of a run is sent again.
type sent struct {
	wait time.Duration // how long it was waited for
	at   time.Time     // zero: it is on its way to the queue
}

// stopError is the cause a run's context ends with when its end was asked for.
type stopError struct {
	reason cron.Reason
	by     string
}

func (e *stopError) Error() string {
	switch e.reason {
	case cron.ReasonShutdown:
		return "cancelled: the process is stopping"
	case cron.ReasonReplaced:
		return "cancelled: the job's next run replaces it"
	}
	if e.by != "" {
		return "cancelled by " + e.by
	}
	return "cancelled"
}

// maxAttemptError is how many bytes are kept of the error of an attempt, in the list of them.
const maxAttemptError = 2 << 10

var errLost = errors.New("the run's lease was lost; its outcome is no longer recorded")

func (r *run) scheduler() *Scheduler { return (*Scheduler)(r.Host().(*host)) }

// host is the scheduler as its runs see it.
type host Scheduler

// Logger implements [cron.Host].
func (h *host) Logger() *slog.Logger { return h.log }

// MaxRunLog implements [cron.Host].
func (h *host) MaxRunLog() int { return h.cfg.MaxRunLog }

// TraceOf implements [cron.Host].
func (h *host) TraceOf(run string) string { return (*Scheduler)(h).traceOf(run) }

func (r *run) fence() contract.Fence { return contract.Fence{ID: r.ID(), Token: r.token} }

// stop asks the run to end. The first reason stays. Scheduler.mu is held.
func (r *run) stop(reason cron.Reason, by string) {
	if r.stopped == nil {
		r.stopped = &stopError{reason, by}
	}
	r.noteStop()
	if r.going != nil {
		r.going.cancel(r.stopped)
	}
}

// noteStop notes that its context is ended. Scheduler.mu is held.
func (r *run) noteStop() {
	if r.stoppedAt == 0 {
		r.stoppedAt = millis.Of(millis.Now())
	}
}

// allAttempts are those that have ended and the one that goes on. Scheduler.mu is held.
func (r *run) allAttempts() []cron.Attempt {
	all := append([]cron.Attempt(nil), r.attempts...)
	if r.attemptAt != 0 {
		all = append(all, r.thisAttempt())
	}
	return all
}

func (r *run) thisAttempt() cron.Attempt {
	return cron.Attempt{Number: r.Attempt(), Instance: r.scheduler().instance.ID, StartedAt: r.attemptAt.UTC()}
}

// record is the run as it stands. Scheduler.mu is held.
func (r *run) record() cron.Record {
	rec := cron.Record{
		ID: r.ID(), Job: r.Job(), Status: r.status, Trigger: r.Trigger(), Attempt: r.Attempt(),
		Attempts: r.allAttempts(), Args: r.Arguments(),
		Instance: r.scheduler().instance.ID, QueuedAt: r.queuedAt.UTC(), Token: r.token, Group: r.Definition().Policies.Group,
		TraceID: r.Trace(),
	}
	rec.Slot = millis.Optional(r.Claimed().UTC())
	if g := r.Input(); g != nil {
		rec.DataSlot, rec.Key, rec.Actor = millis.Optional(g.DataSlot), g.Key, g.Actor
	}
	rec.StartedAt, rec.NextAt = millis.Optional(r.startedAt.UTC()), millis.Optional(r.nextAt.UTC())
	rec.Result, rec.Progress = r.Outcome()
	return rec
}

// endRecord is the run as f has ended it, or its attempt. Scheduler.mu is held.
func (r *run) endRecord(f *contract.Finish) cron.Record {
	rec := r.record()
	rec.Status, rec.Reason, rec.Error, rec.Stack = f.Status, f.Reason, f.Error, f.Stack
	if f.Status.Ended() {
		rec.LogSeq = r.LastLine()
		rec.EndedAt = millis.Optional(f.At) // a copy: f may be used again
		if !f.Started.IsZero() {
			took := f.At.Sub(f.Started).Milliseconds()
			rec.Duration = &took
		}
	}
	return rec
}

// finish says how an attempt that returned err ends, and whether another follows. s.mu is held.
func (r *run) finish(ctx context.Context, err error, now time.Time, stopping bool) contract.Finish {
	r.ending = true
	f := contract.Finish{Fence: r.fence(), Job: r.Job(), Slot: r.Claimed().UTC(), Started: r.startedAt.UTC(), At: now}
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

// fail says how an attempt ends that returned an error.
func (r *run) fail(ctx context.Context, f *contract.Finish, err error, now time.Time, stopping bool) {
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
