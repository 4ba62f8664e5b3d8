package scheduler

import "time"

// SettledAt sets the time of the last iteration of settleLoop.
func (s *Scheduler) SettledAt(at time.Time) { s.tickedAt.Store(at.UnixMilli()) }
