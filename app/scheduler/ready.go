package scheduler

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Part is a part of the machinery that may keep jobs from running as they should.
type Part string

// The parts.
const (
	PartScheduler Part = "scheduler"
	PartSchedules Part = "schedules"
	PartStore     Part = "store"
	PartQueue     Part = "queue" // that runs go through
	PartGate      Part = "gate"  // that decides which replica runs a slot
)

// NotReadyError says why jobs do not run as they should.
type NotReadyError struct {
	Part   Part
	Detail string // a sentence that anybody may read
	Err    error  // what is behind it, for the log alone; may be nil
}

func (e *NotReadyError) Error() string {
	if e.Err == nil {
		return e.Detail
	}
	return e.Detail + ": " + e.Err.Error()
}

// Unwrap returns what is behind it.
func (e *NotReadyError) Unwrap() error { return e.Err }

// stalledAfter is how long the clock, which is looked at once a second, may go without a look.
const stalledAfter = 10 * time.Second

// Ready says why jobs do not run as they should, by a [*NotReadyError]; nil: they do.
func (s *Scheduler) Ready(ctx context.Context) error {
	if err := s.standing(); err != nil {
		return err
	}
	if p := s.cfg.Peers; p.Separate && p.Gate != nil && !s.cfg.Disabled {
		if err := p.Gate.Err(); err != nil {
			return &NotReadyError{PartGate, "slots wait until it can be said which replica runs them", err}
		}
	}
	if err := s.store.Ping(ctx); err != nil {
		return &NotReadyError{PartStore, "the store does not answer", err}
	}
	return nil
}

// standing is Ready as far as the scheduler knows by itself.
func (s *Scheduler) standing() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.phase >= draining:
		return &NotReadyError{PartScheduler, "the scheduler is stopping", nil}
	case s.syncError != nil:
		return &NotReadyError{PartStore, "the store does not answer", s.syncError}
	case s.phase == idle && !s.cfg.Disabled:
		return &NotReadyError{PartScheduler, "the scheduler has not started", nil}
	case s.storeError != nil:
		return &NotReadyError{PartStore, "slots cannot be claimed", s.storeError}
	case s.outbox.err != nil:
		return &NotReadyError{PartQueue, "runs cannot be handed to the queue", s.outbox.err}
	case s.outbox.work != nil:
		return &NotReadyError{PartQueue, "the queue cannot be worked", s.outbox.work}
	}
	if age := time.Since(s.tickedAt); s.phase == ticking && age > stalledAfter {
		return &NotReadyError{PartScheduler, fmt.Sprintf("the scheduler has stalled: no tick for %s", age.Round(time.Second)), nil}
	}
	var adrift []error
	for _, e := range s.entries {
		if e.adrift != nil {
			adrift = append(adrift, fmt.Errorf("job %q: %w", e.job.Name, e.adrift))
		}
	}
	if len(adrift) > 0 {
		return &NotReadyError{PartSchedules, fmt.Sprintf("jobs that are not on the schedules they should be on: %d", len(adrift)), errors.Join(adrift...)}
	}
	return nil
}

// Degraded says which help is missing although jobs run as they should; nil: none is.
func (s *Scheduler) Degraded() error {
	if g := s.cfg.Peers.Gate; g != nil {
		return g.Err()
	}
	return nil
}
