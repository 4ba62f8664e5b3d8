package contract

import (
	"context"
	"fmt"
	"time"

	"fibercrons/app/cron"
)

// Executor hands claimed runs to a queue, from which any worker process takes them. The queue carries only tickets. The
// run, its owner and its end are in the store's row, so a ticket may arrive late, twice or never without harm. See
// "Through a queue" in package scheduler.
type Executor interface {
	// Enqueue adds tickets to the queue. A ticket that is already queued or being worked is not added again. After an
	// error any of them may be in the queue; calling Enqueue again is harmless.
	Enqueue(ctx context.Context, tickets []Ticket) error
	// Work takes tickets from the queue and calls w.Do with each, in its own goroutine, until ctx ends. Then it takes
	// no more, waits for the active calls and returns nil. After an error it is called again.
	Work(ctx context.Context, w Worker) error
}

// Worker handles the tickets of an [Executor].
type Worker interface {
	// Do makes the attempt of the ticket and returns when its end is recorded. If ctx ends, because the ticket was
	// cancelled in the queue, the run is cancelled.
	Do(ctx context.Context, t Ticket) Answer
	// Alive reports whether the attempt of a ticket still runs, in any process. A queue may call it before it treats a
	// ticket as lost.
	Alive(ctx context.Context, t Ticket) bool
}

// Ticket requests one attempt of a run. Tickets with the same Run, Token and Attempt are the same.
type Ticket struct {
	Run       string
	Job       string
	Schedule  string // of the run; empty: none
	Token     int64
	Attempt   int       // from 1
	NotBefore time.Time // zero: immediately
}

// Same reports whether both request the same attempt.
func (t Ticket) Same(as Ticket) bool {
	return t.Run == as.Run && t.Token == as.Token && t.Attempt == as.Attempt
}

// Answer is the result of a ticket.
type Answer struct {
	// Again, if not 0, asks the queue to deliver the ticket again after this delay. That is not a failure, however
	// often it happens.
	Again time.Duration
	// Status is the run's when the attempt had ended. Queued: the next attempt has its own ticket. Empty: the ticket is
	// void, because its attempt was made or is made elsewhere.
	Status cron.Status
	// Error is the run's, if it did not succeed.
	Error string
}

// Err is the result as an error: nil unless the run failed for good.
func (o Answer) Err() error {
	if o.Status == cron.Failed || o.Status == cron.Interrupted {
		return fmt.Errorf("run %s: %s", o.Status, o.Error)
	}
	return nil
}

// Role is the share of the work that a process does with an [Executor]. The zero Role does all of it.
type Role string

// The roles of processes that do only one part.
const (
	SchedulerOnly Role = "scheduler" // claims slots and fills the queue
	WorkerOnly    Role = "worker"    // works the queue; claims no slots, and its manual runs go to the queue too
)
