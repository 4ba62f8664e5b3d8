package contract

import (
	"time"

	"fibercrons/app/cron"
)

// EventKind says what happened.
type EventKind string

// The kinds of events.
const (
	RunQueued   EventKind = "run.queued"   // waits for a worker, its turn, its group or its next attempt
	RunStarted  EventKind = "run.started"  // an attempt has begun
	RunProgress EventKind = "run.progress" // logged, reported progress, or was asked to cancel
	// RunOverdue goes only to [scheduler.Config].Observe, once per attempt: the function still runs 5 s after its
	// context ended. Record.Error says why the context ended.
	RunOverdue     EventKind = "run.overdue"
	RunEnded       EventKind = "run.ended" // ended or skipped; for [scheduler.Config].Observe also: will be retried
	JobWasPaused   EventKind = "job.paused"
	JobWasResumed  EventKind = "job.resumed"
	JobRescheduled EventKind = "job.rescheduled"
	// EventsMissed says that events were lost. The receiver must reload jobs and runs; the events after it are
	// complete. Only [feed.Subscription] sends it.
	EventsMissed EventKind = "reset"
)

// Event is something that happened in this process.
type Event struct {
	Kind   EventKind
	Job    string
	Record cron.Record // of run events
	// Exit is the exit status of the program whose failure ended the run. 0: none.
	Exit int
}

// ClaimCall is the result of one call of [Claims.Claim], for metrics; see [scheduler.Config].Claimed.
type ClaimCall struct {
	Won  int // claims that this process won
	Lost int // claims that were already settled
	Took time.Duration
	Err  error // the store's; the claims are retried
}
