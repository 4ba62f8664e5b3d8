package scheduler

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Part is a part of the scheduler that may keep jobs from running correctly.
type Part string

// The parts.
const (
	PartScheduler Part = "scheduler"
	PartSchedules Part = "schedules"
	PartStore     Part = "store"
	PartQueue     Part = "queue" // that runs go through
	PartGate      Part = "gate"  // that decides which replica runs a slot
)

// NotReadyError says why jobs do not run correctly.
type NotReadyError struct {
	Part   Part
	Detail string // a sentence without secrets
	Err    error  // the cause, only for the log; may be nil
}

func (e *NotReadyError) Error() string {
	if e.Err == nil {
		return e.Detail
	}
	return e.Detail + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *NotReadyError) Unwrap() error { return e.Err }

// stalledAfter is how long the loop of every second may be late.
const stalledAfter = 10 * time.Second

// Ready returns a [*NotReadyError] if jobs do not run correctly.
func (s *Scheduler) Ready(ctx context.Context) error {
	if err := s.localReady(); err != nil {
		return err
	}
	if p := s.cfg.Peers; p.Separate && p.Gate != nil && !s.cfg.Disabled {
		if err := p.Gate.Err(); err != nil {
			return &NotReadyError{PartGate, "slots wait until the gate decides which replica runs them", err}
		}
	}
	if err := s.cfg.Store.Ping(ctx); err != nil {
		return &NotReadyError{PartStore, "the store does not answer", err}
	}
	return nil
}

// localReady is Ready without calls to the store or peers.
func (s *Scheduler) localReady() error {
	phase := s.phase.get()
	syncError, claimError := s.claimer.trouble()
	sending, working := s.runner.QueueError()
	switch {
	case phase >= draining:
		return &NotReadyError{PartScheduler, "the scheduler is stopping", nil}
	case syncError != nil:
		return &NotReadyError{PartStore, "the store does not answer", syncError}
	case phase == idle && !s.cfg.Disabled:
		return &NotReadyError{PartScheduler, "the scheduler has not started", nil}
	case claimError != nil:
		return &NotReadyError{PartStore, "slots cannot be claimed", claimError}
	case sending != nil:
		return &NotReadyError{PartQueue, "runs cannot be sent to the queue", sending}
	case working != nil:
		return &NotReadyError{PartQueue, "the queue cannot be worked", working}
	}
	if age := time.Since(s.ticked()); phase == ticking && age > stalledAfter {
		return &NotReadyError{PartScheduler, fmt.Sprintf("the scheduler has stalled: no tick for %s", age.Round(time.Second)), nil}
	}
	if adrift := s.claimer.adrift(); len(adrift) > 0 {
		return &NotReadyError{PartSchedules, fmt.Sprintf("jobs that do not follow their schedules: %d", len(adrift)), errors.Join(adrift...)}
	}
	return nil
}

// ticked returns the time of the last tick.
func (s *Scheduler) ticked() time.Time {
	if at := s.tickedAt.Load(); at != nil {
		return *at
	}
	return time.Time{}
}

// Degraded returns an error of an optional part while jobs run correctly; nil: none.
func (s *Scheduler) Degraded() error {
	if g := s.cfg.Peers.Gate; g != nil {
		return g.Err()
	}
	return nil
}
