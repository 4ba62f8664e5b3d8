package scheduler

import "time"

// SettledAt makes the last turn of the settling loop look as if it had been at at.
func (s *Scheduler) SettledAt(at time.Time) { s.tickedAt.Store(at.UnixMilli()) }
