package scheduler

import (
	"context"
	"sync/atomic"
	"time"

	"fibercrons/app/internal/runkey"
)

// scope is the context of an attempt: it says which run it belongs to. Most jobs never ask whether theirs
// has ended, nor derive another from it, so the part of it that can end is made when somebody first does.
type scope struct {
	run    *run
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
// Scheduler.mu is held.
func (r *run) open() {
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
	made := newCancelable(c.run.scheduler().base)
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
	if !c.ending.CompareAndSwap(nil, c.run.scheduler().over) {
		c.ending.Load().cancel(nil)
	}
}

// Deadline implements [context.Context].
func (c *scope) Deadline() (time.Time, bool) { return c.run.scheduler().base.Deadline() }

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
