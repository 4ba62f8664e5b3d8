package cron

import (
	"time"

	"github.com/reugn/go-quartz/quartz"
)

// NewTickQueue is for tests: nothing outside of the package sees the queue itself.
func NewTickQueue() quartz.JobQueue { return newTickQueue() }

// NewWatch returns the look of a watch at two clocks of the test's choice.
func NewWatch() func(wall time.Time, mono time.Duration) time.Duration { return newWatch().look }

// NewClockWatch returns the look of a watch at the machine's clocks.
func NewClockWatch() func() time.Duration { return newWatch().jump }

// SettledAt makes the last turn of the settling loop look as if it had been at at.
func (s *Scheduler) SettledAt(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tickedAt = at
}
