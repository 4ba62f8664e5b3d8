package runner

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/millis"
	"fibercrons/app/internal/runkey"
)

// Run is a run of this process: what its function sees of it, and what the Runner keeps about it. The state's lock guards
// what is not fixed when the run is made.
type Run struct {
	cron.Hosted
	links
	lane  *Lane
	token int64
	seq   int64 // order of arrival in this process; 0: it is not this process's yet

	status    cron.Status // as committed: Queued or Running
	queuedAt  millis.Time
	startedAt millis.Time // of the first attempt
	nextAt    millis.Time
	attempts  []cron.Attempt // that have ended
	attemptAt millis.Time    // start of the current one

	serial bool // at most one run of its job at a time, the others wait
	begun  bool // a worker has it
	placed bool // it has a place in its group; see groups.go
	gone   bool // this process has nothing more to do with it
	ending bool // its end, or its attempt's, is on its way to the store
	lost   bool // another owner has it: whatever it does now counts for nothing
	posted bool // it waits in the queue, or for its turn to; see state.post

	timer     *time.Timer // until nextAt
	first     scope       // of the first attempt here
	going     *scope      // of the current attempt; nil: there is none
	stopped   *stopError  // asked to end, and why
	stoppedAt millis.Time // when its context was ended, by that or because it is lost
	unheeding bool        // its log says that the attempt has not ended although its context has
	done      chan struct{}
	sent      *sent                // nil: it has no ticket
	over      chan contract.Answer // of its ticket, while it is worked
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

// host is what runs see of the process they are in.
type host struct {
	log       *slog.Logger
	maxRunLog int
	traceID   func(run string) string
	instance  string
	queue     bool            // runs go through a queue
	base      context.Context // that of all runs
	over      *cancelable     // of the attempts that have returned
}

// Logger implements [cron.Host].
func (h *host) Logger() *slog.Logger { return h.log }

// MaxRunLog implements [cron.Host].
func (h *host) MaxRunLog() int { return h.maxRunLog }

// TraceOf implements [cron.Host].
func (h *host) TraceOf(run string) string { return h.traceID(run) }

func (r *Run) host() *host { return r.Host().(*host) }

// init makes r the run of a claim that was won.
func (r *Run) init(h *host, l *Lane, c *contract.Claim, got *contract.Claimed) {
	slot := millis.Of(c.Slot)
	var byHand *cron.Input
	if slot == 0 {
		byHand = &cron.Input{Args: c.Args, DataSlot: c.DataSlot, Key: c.Key, Actor: c.Actor}
	}
	r.Begin(h, l.Job, c.ID, c.Trigger, slot, byHand)
	r.lane, r.token, r.status, r.queuedAt = l, c.Token, got.Status, millis.Of(c.At)
	r.serial = l.Serial || c.Overlap == cron.Queue || c.Overlap == cron.Replace
	if got.Status == cron.Running {
		r.NextAttempt()
	}
}

// restored makes the run of a record, whose next attempt is to be made in this process.
func restored(h *host, l *Lane, rec *cron.Record, token int64, attempts []cron.Attempt) *Run {
	input := &cron.Input{Args: rec.Args, Key: rec.Key, Actor: rec.Actor}
	if rec.DataSlot != nil {
		input.DataSlot = *rec.DataSlot
	}
	var slot millis.Time
	if rec.Slot != nil {
		slot = millis.Of(*rec.Slot)
	}
	r := &Run{
		lane: l, token: token, status: cron.Queued, queuedAt: millis.Of(rec.QueuedAt), attempts: attempts,
		serial: l.Serial || rec.Trigger == cron.ByCatchUp || rec.Trigger == cron.ByBackfill,
	}
	r.Begin(h, l.Job, rec.ID, rec.Trigger, slot, input)
	r.Resume(rec, rec.Failures())
	return r
}

func (r *Run) fence() contract.Fence { return contract.Fence{ID: r.ID(), Token: r.token} }

// stop asks the run to end. The first reason stays.
func (r *Run) stop(reason cron.Reason, by string) {
	if r.stopped == nil {
		r.stopped = &stopError{reason, by}
	}
	r.noteStop()
	if r.going != nil {
		r.going.cancel(r.stopped)
	}
}

// noteStop notes that its context is ended.
func (r *Run) noteStop() {
	if r.stoppedAt == 0 {
		r.stoppedAt = millis.Of(millis.Now())
	}
}

// late says whether the deadline for the start of a run has passed.
func (r *Run) late() bool {
	within := r.Definition().Policies.StartWithin
	return within > 0 && r.Attempt() == 0 && r.Claimed() != 0 && time.Since(r.Claimed().UTC()) > within
}

// ticket asks for the next attempt of r.
func (r *Run) ticket() contract.Ticket {
	return contract.Ticket{Run: r.ID(), Job: r.Job(), Token: r.token, Attempt: r.Attempt() + 1, NotBefore: r.nextAt.UTC()}
}

// answer ends the work on the ticket of r.
func (r *Run) answer(a contract.Answer) {
	if r.over != nil {
		r.over <- a
		r.over = nil
	}
}

// begin notes that an attempt begins, and opens its scope.
func (r *Run) begin(now time.Time) {
	if r.status != cron.Running {
		r.status = cron.Running
		r.NextAttempt()
	}
	r.open()
	r.attemptAt, r.unheeding = millis.Of(now), false
	if r.startedAt == 0 {
		r.startedAt = r.attemptAt
	}
	if r.stopped != nil {
		r.going.cancel(r.stopped)
	}
}

// scope is the context of an attempt: it says which run it belongs to. Most jobs never ask whether theirs
// has ended, nor derive another from it, so the part of it that can end is made when somebody first does.
type scope struct {
	run    *Run
	ending atomic.Pointer[cancelable]
}

type cancelable struct {
	context.Context
	cancel context.CancelCauseFunc
}

var _ context.Context = (*scope)(nil)

func newCancelable(base context.Context) *cancelable {
	var c cancelable
	c.Context, c.cancel = context.WithCancelCause(base)
	return &c
}

// open begins the scope of the next attempt. What an earlier one has left behind may still use its own.
func (r *Run) open() {
	r.going = &r.first
	if r.first.run != nil {
		r.going = new(scope)
	}
	r.going.run = r
}

func (c *scope) cancelable() *cancelable {
	if known := c.ending.Load(); known != nil {
		return known
	}
	made := newCancelable(c.run.host().base)
	if c.ending.CompareAndSwap(nil, made) {
		return made
	}
	made.cancel(nil)
	return c.ending.Load()
}

// cancel ends the scope early.
func (c *scope) cancel(cause error) { c.cancelable().cancel(cause) }

// close ends the scope of a function that has returned.
func (c *scope) close() {
	if !c.ending.CompareAndSwap(nil, c.run.host().over) {
		c.ending.Load().cancel(nil)
	}
}

// Deadline implements [context.Context].
func (c *scope) Deadline() (time.Time, bool) { return c.run.host().base.Deadline() }

// Done implements [context.Context].
func (c *scope) Done() <-chan struct{} { return c.cancelable().Done() }

// Err implements [context.Context].
func (c *scope) Err() error { return c.cancelable().Err() }

// Value implements [context.Context]. A context that is derived from this one asks it for the part that can
// end, by a key that package context does not tell.
func (c *scope) Value(key any) any {
	if key == (runkey.Key{}) {
		return &c.run.Run
	}
	return c.cancelable().Value(key)
}
