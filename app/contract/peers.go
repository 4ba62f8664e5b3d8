package contract

import (
	"context"
	"time"
)

// Peers is how processes meet beside the store. All of it is optional, and with a store that all of
// them share none of it decides anything: the store does.
type Peers struct {
	// Gate is asked before slots are claimed.
	Gate Gate
	// Separate says that each process, or each group of them, has a store of its own. The Gate then
	// decides which of the stores runs a slot: no slot is run without its word.
	Separate bool
	// Limits counts the runs of concurrency groups where no store sees them all.
	Limits Limits
	// Notifier says at once that something has changed, which the stream of changes otherwise finds
	// out by looking at the store every second.
	Notifier Notifier
}

// Gate admits one of the processes that are about to claim the same slot.
type Gate interface {
	// Admit says for each bid, in their order, whether the slot is the caller's to claim. Who
	// asks again for a slot he was admitted to is admitted again. An error says that nothing is
	// known; some of the slots may have been taken.
	Admit(ctx context.Context, bids []SlotRequest) ([]bool, error)
	// Err says why the gate cannot be asked at present; nil: it can. It does not wait for anything.
	Err() error
}

// SlotRequest asks for a slot.
type SlotRequest struct {
	Job  string
	Slot time.Time
	Keep time.Duration // how long the answer has to be remembered
}

// Limits counts the runs of a concurrency group over all processes.
type Limits interface {
	// Enter takes one of the group's places, of which there are limit; false: all are taken. Who
	// has it already is told true.
	Enter(ctx context.Context, p Place, limit int) (bool, error)
	// Renew extends the leases of places. One that was lost is taken again, limit or not: its run
	// goes on.
	Renew(ctx context.Context, places []Place) error
	// Leave gives a place up. Without it the place ends with its lease.
	Leave(ctx context.Context, p Place) error
}

// Place is a run's place in a group.
type Place struct {
	Group string
	Run   string
	Lease time.Duration
}

// Notifier tells other processes that there is something to look at, and is told by them. What gets
// lost costs nothing but the second until the next look.
type Notifier interface {
	// Notify does not wait for anything.
	Notify()
	// Notified receives after another process's Notify; several may be told as one.
	Notified() <-chan struct{}
}
