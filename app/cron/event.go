package cron

// EventKind says what happened.
type EventKind string

// The kinds of events.
const (
	RunStarted     EventKind = "run.started"  // an attempt has begun
	RunProgress    EventKind = "run.progress" // it logged or told its progress
	RunEnded       EventKind = "run.ended"    // it has ended, was skipped, or waits for its next attempt
	JobWasPaused   EventKind = "job.paused"
	JobWasResumed  EventKind = "job.resumed"
	JobRescheduled EventKind = "job.rescheduled"
)

// Event is something that happened in this process.
type Event struct {
	Kind   EventKind
	Job    string
	Record Record // of run events
}

// tell calls the observer. It must not block: s.mu is held.
func (s *Scheduler) tell(e Event) {
	if s.observe != nil {
		s.observe(e)
	}
}
