package scheduler

import (
	"fibercrons/app/cron"
)

// EventKind says what happened.
type EventKind string

// The kinds of events.
const (
	RunQueued   EventKind = "run.queued"   // it waits: for a worker, its turn, its group or its next attempt
	RunStarted  EventKind = "run.started"  // an attempt has begun
	RunProgress EventKind = "run.progress" // it logged, told its progress, or was asked to end
	// RunOverdue is told to [Config].Observe alone, once for each attempt: its function goes on 5 s after its
	// context has ended. Error of the record says why that ended.
	RunOverdue     EventKind = "run.overdue"
	RunEnded       EventKind = "run.ended" // it has ended, was skipped, or (to [Config].Observe) waits for its next attempt
	JobWasPaused   EventKind = "job.paused"
	JobWasResumed  EventKind = "job.resumed"
	JobRescheduled EventKind = "job.rescheduled"
	// EventsMissed says that more happened than can be told. Whoever keeps a picture of jobs and
	// runs makes it anew; what comes after is whole again. Only [Subscription] tells it.
	EventsMissed EventKind = "reset"
)

// Event is something that happened in this process.
type Event struct {
	Kind   EventKind
	Job    string
	Record cron.Record // of run events
	// Exit is, at the end of a run that failed by a program that it had called, the status which
	// that exited with. 0: there is none.
	Exit int
}

// tell calls the observer. It must not block: s.mu is held.
func (s *Scheduler) tell(e Event) {
	if s.observe != nil {
		s.observe(e)
	}
	s.hint()
}

// hint says that something has changed here. It costs next to nothing when nobody wants to know.
func (s *Scheduler) hint() {
	if n := s.cfg.Peers.Notifier; n != nil {
		n.Notify()
	}
	select {
	case s.changed <- struct{}{}:
	default:
	}
}
