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

// Run is a run of this process: what its function sees, and the Runner's state. The lock of state guards the fields
// that change.
type Run struct {
	cron.Hosted
	links
	lane  *Lane
	token int64
	seq   int64 // order of arrival; 0: not a run of this process yet

	status    cron.Status // as committed: Queued or Running
	queuedAt  millis.Time
	startedAt millis.Time // of the first attempt
	nextAt    millis.Time
	attempts  []cron.Attempt // ended ones
	attemptAt millis.Time    // start of the current attempt

	serial bool // one run of its job at a time
	begun  bool // a worker has it
	placed bool // it has a place in its group; see groups.go
	gone   bool // dropped by this process
	ending bool // its end, or its attempt's, is being committed
	lost   bool // another process owns it, nothing is recorded any more
	posted bool // waits in the queue, or for its turn there; see state.post

	timer     *time.Timer // until nextAt
	first     scope       // context of the first attempt here
	current   *scope      // context of the current attempt; nil: none
	stopped   *stopError  // the cancel request
	stoppedAt millis.Time // when its context was ended, by a cancel request or a lost lease
	unheeding bool        // Remind has reported the attempt
	done      chan struct{}
	sent      *sent                // nil: no ticket
	over      chan contract.Answer // the answer to its ticket, while it is worked
}

// sent is when a ticket is sent again.
type sent struct {
	wait time.Duration // the current delay
	at   time.Time     // zero: not sent yet
}

// stopError is the cause of a run's context that ended by a cancel request.
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

// maxAttemptError limits the error of each attempt in a record, in bytes.
const maxAttemptError = 2 << 10

var errLost = errors.New("the run's lease was lost; its outcome is no longer recorded")

// host is a run's view of the process.
type host struct {
	log       *slog.Logger
	maxRunLog int
	traceID   func(run string) string
	instance  string
	queue     bool            // runs go through a queue
	base      context.Context // parent of all runs
	over      *cancelable     // already ended, for attempts that have returned
}

// Logger implements [cron.Host].
func (h *host) Logger() *slog.Logger { return h.log }

// MaxRunLog implements [cron.Host].
func (h *host) MaxRunLog() int { return h.maxRunLog }

// TraceOf implements [cron.Host].
func (h *host) TraceOf(run string) string { return h.traceID(run) }

func (r *Run) host() *host { return r.Host().(*host) }

// init makes r the run of a won claim.
func (r *Run) init(h *host, l *Lane, c *contract.Claim, got *contract.Claimed) {
	slot := millis.Of(c.Slot)
	var input *cron.Input
	if slot == 0 || l.Schedule != "" && c.Args != nil {
		input = &cron.Input{Args: c.Args, DataSlot: c.DataSlot, Key: c.Key, Actor: c.Actor}
	}
	r.Begin(h, l.Job, l.Schedule, c.ID, c.Trigger, slot, input)
	r.lane, r.token, r.status, r.queuedAt = l, c.Token, got.Status, millis.Of(c.At)
	r.serial = l.Serial || c.Overlap == cron.Queue || c.Overlap == cron.Replace
	if got.Status == cron.Running {
		r.NextAttempt()
	}
}

// restored returns the run of a record, for its next attempt in this process.
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
		serial: l.Serial || rec.Trigger == cron.ByCatchUp || rec.Trigger == cron.ByBackfill ||
			rec.Deferred && l.Job.Policies.Overlap != cron.Allow, // it was promised to run: it waits for its turn
	}
	r.Begin(h, l.Job, l.Schedule, rec.ID, rec.Trigger, slot, input)
	r.Resume(rec, rec.Failures())
	return r
}

func (r *Run) fence() contract.Fence { return contract.Fence{ID: r.ID(), Token: r.token} }

// stop cancels the run. The first reason stays.
func (r *Run) stop(reason cron.Reason, by string) {
	if r.stopped == nil {
		r.stopped = &stopError{reason, by}
	}
	r.noteStop()
	if r.current != nil {
		r.current.cancel(r.stopped)
	}
}

// noteStop records when the context ended.
func (r *Run) noteStop() {
	if r.stoppedAt == 0 {
		r.stoppedAt = millis.Of(millis.Now())
	}
}

// late reports whether the run's start deadline has passed.
func (r *Run) late() bool {
	within := r.Definition().Policies.StartWithin
	return within > 0 && r.Attempt() == 0 && r.Claimed() != 0 && time.Since(r.Claimed().UTC()) > within
}

// ticket returns the ticket for the next attempt of r.
func (r *Run) ticket() contract.Ticket {
	return contract.Ticket{Run: r.ID(), Job: r.Job(), Schedule: r.Schedule(), Token: r.token, Attempt: r.Attempt() + 1, NotBefore: r.nextAt.UTC()}
}

// answer completes the ticket of r.
func (r *Run) answer(a contract.Answer) {
	if r.over != nil {
		r.over <- a
		r.over = nil
	}
}

// begin records the start of an attempt and opens its scope.
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
		r.current.cancel(r.stopped)
	}
}

// scope is the context of an attempt and identifies its run. Most jobs neither check nor derive their context, so the
// cancelable part is created at first use.
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

// open starts the scope of the next attempt. A goroutine left by an earlier attempt may still use the earlier scope.
func (r *Run) open() {
	r.current = &r.first
	if r.first.run != nil {
		r.current = new(scope)
	}
	r.current.run = r
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

// Value implements [context.Context]. Derived contexts look up the cancelable part by an unexported key of package
// context.
func (c *scope) Value(key any) any {
	if key == (runkey.Key{}) {
		return &c.run.Run
	}
	return c.cancelable().Value(key)
}
