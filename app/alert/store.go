package alert

import (
	"context"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

// Store is what alerts need of the database of the runs. Sending and waiting use the store's clock, so that the
// processes' clocks need not agree.
type Store interface {
	Sights
	Book
	Silences
}

// Sights reads jobs and runs.
type Sights interface {
	// Stamp changes with every commit of any process; see [contract.Watch].
	Stamp(ctx context.Context) (int64, error)
	// Runs returns records, newest first; see [contract.Admin].
	Runs(ctx context.Context, q contract.Query) ([]cron.Record, error)
	// Troubled returns runs with problems, and slots skipped as missed or late, that no call of Raise has marked: at
	// most limit that ended at or after since, in the order of their ends.
	Troubled(ctx context.Context, since time.Time, limit int) ([]cron.Record, error)
	// Active returns at most limit queued and running runs, newest first, with only job, ID, status, trigger, slot and
	// first start, because there may be thousands.
	Active(ctx context.Context, limit int) ([]cron.Record, error)
	// StartedLate returns at most limit runs that were queued at or after since and first started more than by after
	// their slots.
	StartedLate(ctx context.Context, since time.Time, by time.Duration, limit int) ([]cron.Record, error)
	// OpenAlerts returns the open alerts.
	OpenAlerts(ctx context.Context) ([]Open, error)
}

// Open is an open alert.
type Open struct {
	Alert
	LastSuccess time.Time // of the schedule; without one, of the job's own and manual runs
	Gone        bool      // the schedule was deleted, or is another job's now
	Ended       bool      // the schedule has no further slots
}

// Book stores alerts and deliveries. Every method but Alerts is one commit, and may be repeated after an error.
type Book interface {
	// Alerts returns alerts with their deliveries, newest first, and the total number.
	Alerts(ctx context.Context, q Query) ([]Alert, int, error)
	// Raise closes alerts, inserts new ones and marks runs as handled. It leaves out an alert if its Dedup exists,
	// another of its job, schedule and kind is open, or its run is already marked.
	Raise(ctx context.Context, r Raise) error
	// Gather combines all pending alerts without a message into one, with a delivery for each channel, if none came for
	// g.Quiet or the first has waited for g.Longest, and if there were fewer than g.PerMinute messages in the last
	// minute. It reports whether alerts are still waiting.
	Gather(ctx context.Context, g Gather) (waiting bool, err error)
	// TakeDeliveries leases due deliveries of the channels with a new token, and returns them with their first alerts
	// and their groups, of which few alerts are listed.
	// A channel gets at most t.PerMinute within a minute.
	TakeDeliveries(ctx context.Context, t Take) ([]Delivery, error)
	// Settle records the result of an attempt. It does nothing if the attempt has lost its token.
	Settle(ctx context.Context, s Settlement) error
	// PruneAlerts ends pending deliveries older than giveUp, and returns them. It deletes a limited number of finished
	// alerts, deliveries and silences older than keep.
	PruneAlerts(ctx context.Context, giveUp, keep time.Duration) ([]Delivery, error)
}

// Silences stores silences and their authors.
type Silences interface {
	// Silences returns the silences in force, or all that are kept, newest first.
	Silences(ctx context.Context, all bool) ([]Silence, error)
	// Silence stores a silence, which already has its ID.
	Silence(ctx context.Context, s Silence) error
	// Unsilence ends a silence in force and returns it, or [cron.ErrNotFound].
	Unsilence(ctx context.Context, id, actor string, at time.Time) (Silence, error)
	// Audit stores one change; see [contract.AuditLog].
	Audit(ctx context.Context, e contract.AuditEntry) error
}

// Raise is the result of a scan.
type Raise struct {
	Close  []string // IDs of alerts
	Alerts []Alert
	Looked []string // IDs of runs
	// Further counts schedules in open alerts with Others that are not yet in a message.
	Further []Further
}

// Further is schedules of a job that are counted in its open alert with Others.
type Further struct {
	Job  string
	Kind cron.AlertKind
	Runs []string // a run of each; one that is already marked does not count
}

// Gather says when alerts form a message, and for which channels.
type Gather struct {
	Channels  []string
	Quiet     time.Duration
	Longest   time.Duration
	PerMinute int
}

// Take selects deliveries to lease.
type Take struct {
	Channels  []string
	Lease     time.Duration
	PerMinute int
	Limit     int // deliveries of each channel
	Alerts    int // alerts of each delivery, and groups
	Each      int // alerts of each group
}

// Settlement is the result of an attempt. With neither Sent nor GaveUp, it is repeated after Again.
type Settlement struct {
	ID     string
	Token  int64
	Sent   bool
	GaveUp bool
	Again  time.Duration
	Error  string
}
