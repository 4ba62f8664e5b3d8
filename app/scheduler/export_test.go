package scheduler

import (
	"context"
	"time"

	"fibercrons/app/clock"
)

// SettledAt makes the last turn of the settling loop look as if it had been at at.
func (s *Scheduler) SettledAt(at time.Time) { s.tickedAt.Store(&at) }

// StartSlowly is how Run begins, with a pause between what the store says of the jobs and putting them on the clock.
func (s *Scheduler) StartSlowly(ctx context.Context, pause func()) error {
	ticker, err := clock.New(s.ticks.add, s.log)
	if err != nil {
		return err
	}
	s.claimer.setClock(ticker)
	s.claimer.sync(ctx)
	pause()
	return s.claimer.place()
}

// NextSlot returns the first slot of a job that is not settled.
func (s *Scheduler) NextSlot(job string) time.Time {
	s.claimer.mu.Lock()
	defer s.claimer.mu.Unlock()
	return time.UnixMilli(s.byName[job].next)
}
