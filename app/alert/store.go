package alert

import (
	"context"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

// Store is what alerts need of the database that keeps the runs. Instants of sending and waiting are
// those of the store's clock, so that processes need not agree on theirs.
type Store interface {
	Sights
	Book
	Silences
}

// Sights are what is seen of jobs and runs.
type Sights interface {
	// Stamp changes with every commit of any process; see [contract.Watch].
	Stamp(ctx context.Context) (int64, error)
	// Runs returns records, newest first; see [contract.Admin].
	Runs(ctx context.Context, q contract.Query) ([]cron.Record, error)
	// Troubled returns runs that went wrong, and slots that were skipped because they were missed
	// or late, which no call of Raise has looked at: at most limit that ended at or after since,
	// in the order of their ends.
	Troubled(ctx context.Context, since time.Time, limit int) ([]cron.Record, error)
	// Active returns at most limit runs that wait or go on, newest first. Of each it tells job, ID,
	// status, trigger, slot and first start: there may be thousands.
	Active(ctx context.Context, limit int) ([]cron.Record, error)
	// StartedLate returns at most limit runs that were queued at or after since and had their
	// first start more than by after their slots.
	StartedLate(ctx context.Context, since time.Time, by time.Duration, limit int) ([]cron.Record, error)
	// OpenAlerts returns the alerts that are open.
	OpenAlerts(ctx context.Context) ([]Open, error)
}

// Open is an alert that is open, and when its job last succeeded.
type Open struct {
	Alert
	LastSuccess time.Time
}

// Book keeps alerts and their deliveries. Every method but Alerts is one commit; calling one again
// after an error is safe.
type Book interface {
	// Alerts returns alerts with their deliveries, newest first, and how many there are in all.
	Alerts(ctx context.Context, q Query) ([]Alert, int, error)
	// Raise closes alerts, inserts new ones and marks runs as looked at. An alert whose Dedup is
	// there, of whose job and kind another is open, or whose run somebody else has looked at
	// before, is known already and is left out.
	Raise(ctx context.Context, r Raise) error
	// Gather puts every pending alert that is in no message into one, with a delivery for each
	// channel, when none came for g.Quiet or the first waits for g.Longest, and fewer than
	// g.PerMinute messages were made within a minute. It returns whether alerts still wait.
	Gather(ctx context.Context, g Gather) (waiting bool, err error)
	// TakeDeliveries leases deliveries of the channels that are due, under a new token, with
	// the first of their alerts. A channel gets at most t.PerMinute within a minute.
	TakeDeliveries(ctx context.Context, t Take) ([]Delivery, error)
	// Settle ends a try. A try that does not hold its token any more changes nothing.
	Settle(ctx context.Context, s Settlement) error
	// PruneAlerts ends pending deliveries that are older than giveUp, and returns them. It deletes
	// a bounded number of alerts, deliveries and silences that are over and older than keep.
	PruneAlerts(ctx context.Context, giveUp, keep time.Duration) ([]Delivery, error)
}

// Silences keeps when not to send, and who said so.
type Silences interface {
	// Silences returns the silences in force, or all that are kept, the newest first.
	Silences(ctx context.Context, all bool) ([]Silence, error)
	// Silence keeps a silence, which has its ID already.
	Silence(ctx context.Context, s Silence) error
	// Unsilence ends a silence that is in force and returns it, or [cron.ErrNotFound].
	Unsilence(ctx context.Context, id, actor string, at time.Time) (Silence, error)
	// Audit keeps one change; see [contract.AuditLog].
	Audit(ctx context.Context, e contract.AuditEntry) error
}

// Raise is what came of looking at runs.
type Raise struct {
	Close  []string // IDs of alerts
	Alerts []Alert
	Looked []string // IDs of runs
}

// Gather says when alerts make a message, and for whom.
type Gather struct {
	Channels  []string
	Quiet     time.Duration
	Longest   time.Duration
	PerMinute int
}

// Take asks for deliveries that are due.
type Take struct {
	Channels  []string
	Lease     time.Duration
	PerMinute int
	Limit     int // deliveries of each channel
	Alerts    int // alerts of each delivery
}

// Settlement is what came of a try. With neither Sent nor GaveUp there is another after Again.
type Settlement struct {
	ID     string
	Token  int64
	Sent   bool
	GaveUp bool
	Again  time.Duration
	Error  string
}
