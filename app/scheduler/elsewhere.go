package scheduler

import (
	"fibercrons/app/contract"
	"time"
)

// Runs of a job that wait for each other, or of a group that is limited, may be held by several processes.
// Only the store knows whether one of another process goes on, or was due earlier, so a start that it has
// refused is asked for again: soon at first, and at growing distances while the same run stands in the way.
// The delay between the end of a run and the start of the next one so is about as long as the run at most,
// and no longer than a second.
//
// A process with runs for later slots lets those for earlier slots go first, or it would always be there
// sooner with its own next run, and a run held elsewhere might wait for as long as there is a queue. It does
// not wait for long, and not for one after another: the other process may be dead, or have no free worker.

const (
	askFirst = 20 * time.Millisecond
	askMost  = time.Second
	// turnMost is how long a process waits for a run that should go first and does not start. Its
	// process asks each second.
	turnMost = 2 * askMost
)

// elsewhere is what the runs of a job or group wait for in other processes. Scheduler.mu guards it.
type elsewhere struct {
	by     string    // the run that was in the way
	since  time.Time // when that was first seen
	wait   time.Duration
	passed time.Time // runs for slots up to this one are no longer waited for
	timer  bool
}

// elsewhereOf returns what r may have to wait for. s.mu is held.
func (s *Scheduler) elsewhereOf(r *run) *elsewhere {
	key := blockKey(r)
	w := s.elsewhere[key]
	if w == nil {
		w = &elsewhere{}
		s.elsewhere[key] = w
	}
	return w
}

// waitElsewhere has r, which was refused its start, or who waits before it, ask again. s.mu is held.
func (s *Scheduler) waitElsewhere(r *run, out *contract.StartOutcome) {
	if out.By == "" {
		return // listening sees to it
	}
	w := s.elsewhereOf(r)
	if w.timer {
		return
	}
	now := time.Now()
	if w.by != out.By {
		w.by, w.since, w.wait = out.By, now, askFirst
	} else {
		w.wait = min(2*w.wait, askMost)
	}
	if !out.First.IsZero() {
		if now.Sub(w.since) >= turnMost {
			w.passed, w.by = r.Claimed().UTC(), ""
		}
		w.wait = min(w.wait, 10*askFirst) // nothing goes on: not to ask is to lose time
	}
	w.timer = true
	time.AfterFunc(w.wait, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		w.timer = false
		if s.phase < draining {
			s.wake(blockKey(r), false)
			s.pump()
		}
	})
}
