package contract

import (
	"context"
	"time"
)

// Peers is how processes communicate beside the store. All fields are optional. If all processes share a store, the
// store decides, not the Peers.
type Peers struct {
	// Gate is called before slots are claimed.
	Gate Gate
	// Separate says that processes, or groups of them, have separate stores. Then the Gate decides which store runs a
	// slot, and no slot runs without it.
	Separate bool
	// Limits counts the runs of concurrency groups across separate stores.
	Limits Limits
	// Notifier announces changes at once. Without it the stream of changes polls the store every second.
	Notifier Notifier
}

// Gate admits one of the processes that are about to claim the same slot.
type Gate interface {
	// Admit says for each bid, in order, whether the caller may claim the slot. A repeated bid for an admitted slot is
	// admitted again. After an error some of the slots may have been taken.
	Admit(ctx context.Context, bids []SlotRequest) ([]bool, error)
	// Err says why the gate is unavailable; nil: it is available. It does not block.
	Err() error
}

// SlotRequest is a bid for a slot.
type SlotRequest struct {
	Job      string
	Schedule string // ID of the stored schedule; empty: the job's code
	Slot     time.Time
	Keep     time.Duration // how long the answer must be remembered
}

// Limits counts the runs of a concurrency group across all processes.
type Limits interface {
	// Enter takes one of the group's limit places, and reports whether p has one. It is idempotent.
	Enter(ctx context.Context, p Place, limit int) (bool, error)
	// Renew extends the leases of places. A lost place is taken again even above the limit, because its run continues.
	Renew(ctx context.Context, places []Place) error
	// Leave releases a place. Without it the place ends with its lease.
	Leave(ctx context.Context, p Place) error
}

// Place is a run's place in a group.
type Place struct {
	Group string
	Run   string
	Lease time.Duration
}

// Notifier announces changes to other processes. A lost notification delays them only until the next poll, at most a
// second.
type Notifier interface {
	// Notify does not block.
	Notify()
	// Notified receives after another process's Notify; several may be merged.
	Notified() <-chan struct{}
}
