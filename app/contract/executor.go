package contract

import (
	"context"
	"fmt"
	"time"

	"fibercrons/app/cron"
)

// Executor hands claimed runs to a queue, from which any process that works it takes them. It carries
// tickets and nothing else: what a run is, who owns it and how it ended is in the store's row alone, so
// that a ticket may come late, twice or never without harm. See "Through a queue" in the package comment.
type Executor interface {
	// Enqueue puts tickets into the queue. A ticket that waits there or is being worked is not added
	// again. After an error any of them may be in the queue; asking again is harmless.
	Enqueue(ctx context.Context, tickets []Ticket) error
	// Work takes tickets from the queue and calls w.Do with each, in a goroutine of its own, until
	// ctx ends. Then it takes no more, waits for the calls that go on, and returns nil. An error says
	// that the queue cannot be worked now; it is asked again.
	Work(ctx context.Context, w Worker) error
}

// Worker is what an [Executor] hands tickets to.
type Worker interface {
	// Do makes the attempt that the ticket asks for and returns when its end is recorded. When ctx
	// ends, which says that somebody cancelled it in the queue, the run is cancelled.
	Do(ctx context.Context, t Ticket) Answer
	// Alive says whether the attempt of a ticket that was taken long ago still goes on, on whatever
	// process. A queue may ask before it gives a ticket up for lost.
	Alive(ctx context.Context, t Ticket) bool
}

// Ticket asks for one attempt of a run. Two with the same Run, Token and Attempt are the same ticket.
type Ticket struct {
	Run       string
	Job       string
	Token     int64
	Attempt   int       // the number of the attempt, from 1
	NotBefore time.Time // zero: at once
}

// Same says whether both ask for the same attempt.
func (t Ticket) Same(as Ticket) bool {
	return t.Run == as.Run && t.Token == as.Token && t.Attempt == as.Attempt
}

// Answer is what a queue is told of a ticket.
type Answer struct {
	// Again, if not 0, asks for the ticket to be put back and to be handed out once more after so
	// long. That is no failure, however often it happens.
	Again time.Duration
	// Status of the run when the attempt had ended; Queued: another attempt follows, under a ticket of
	// its own. Empty: the ticket is void, since its attempt is made or was made elsewhere.
	Status cron.Status
	// Error is the run's, if it did not succeed.
	Error string
}

// Err is how a queue is best told: nil unless the run failed for good.
func (o Answer) Err() error {
	if o.Status == cron.Failed || o.Status == cron.Interrupted {
		return fmt.Errorf("run %s: %s", o.Status, o.Error)
	}
	return nil
}

// Role is what a process does of the work that an [Executor] shares out. The zero Role does both.
type Role string

// The roles of processes that do but one thing.
const (
	SchedulerOnly Role = "scheduler" // claims slots and fills the queue
	WorkerOnly    Role = "worker"    // works the queue; no slot is claimed here, and runs by hand go to the queue as well
)
