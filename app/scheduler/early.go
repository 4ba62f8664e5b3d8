package scheduler

import (
	"fibercrons/app/contract"
	"time"
)

// A store with a clock of its own starts no slot before that clock has reached it: so a process whose
// clock is fast starts nothing early, and of processes with different clocks none is always the first.
// The slot stays unsettled, and is claimed again when it is due there.

// fastClock is how far the clock may be ahead before it is worth a warning.
const fastClock = time.Second

// early has the job looked at again when the slot of c is due by the store's clock. Until it has been
// claimed, what is due and what was missed is judged by that clock. s.mu is held.
func (s *Scheduler) early(e *entry, c *contract.Claim, by time.Duration) {
	ahead := c.At.Sub(c.Slot.Add(-by))
	e.ahead = max(ahead.Milliseconds(), 0)
	if ahead >= fastClock && !s.aheadSaid {
		s.aheadSaid = true
		s.log.Warn("this machine's clock is ahead of the database's; slots start by the database's", "ahead", ahead.Round(time.Millisecond))
	}
	time.AfterFunc(by, func() {
		s.dueMu.Lock()
		s.dueSoon = append(s.dueSoon, e)
		s.dueMu.Unlock()
		select {
		case s.dueSign <- struct{}{}:
		default:
		}
	})
}
