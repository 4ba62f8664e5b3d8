package contract

import (
	"time"

	"fibercrons/app/cron"
)

// EventKind says what happened.
type EventKind string

// The kinds of events.
const (
	RunQueued   EventKind = "run.queued"   // it waits: for a worker, its turn, its group or its next attempt
	RunStarted  EventKind = "run.started"  // an attempt has begun
	RunProgress EventKind = "run.progress" // it logged, told its progress, or was asked to end
	// RunOverdue is told to [scheduler.Config].Observe alone, once for each attempt: its function goes on 5 s after its
	// context has ended. Error of the record says why that ended.
	RunOverdue     EventKind = "run.overdue"
	RunEnded       EventKind = "run.ended" // it has ended, was skipped, or (to [scheduler.Config].Observe) waits for its next attempt
	JobWasPaused   EventKind = "job.paused"
	JobWasResumed  EventKind = "job.resumed"
	JobRescheduled EventKind = "job.rescheduled"
	// EventsMissed says that more happened than can be told. Whoever keeps a picture of jobs and
	// runs makes it anew; what comes after is whole again. Only [scheduler.Subscription] tells it.
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

// ClaimCall is what came of one call of [Claims.Claim], for whoever measures; see [scheduler.Config].Claimed.
type ClaimCall struct {
	Won  int // claims that are this process's
	Lost int // claims that somebody else had settled before
	Took time.Duration
	Err  error // the store's; the claims are asked for again
}
