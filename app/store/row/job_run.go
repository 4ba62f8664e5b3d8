package row

import "database/sql"

// JobRun is one run of a job. The row is the claim: it is inserted by the one process that may
// run the slot, and Token fences everything written to it later.
type JobRun struct {
	Seq          int64          `gorm:"primaryKey;autoIncrement"` // order of insertion, and of the history
	ID           string         // UUIDv7
	Job          string         // unique with Schedule and Slot, and with RequestKey
	Schedule     string         // ID of the stored schedule; empty: none
	Slot         sql.NullInt64  // UTC milliseconds; NULL: by hand
	DataSlot     Millis         // the past slot that a backfill or retry stands for
	Token        int64          // the fence
	Status       string         // queued or running, then succeeded, failed, cancelled, skipped or interrupted
	Reason       string         // of skipped, cancelled or interrupted
	TriggeredBy  string         // schedule, catch_up, manual, backfill or retry
	Attempt      int            // attempts started so far
	Attempts     sql.NullString // JSON array
	Error        string
	Stack        string
	Args         sql.NullString // JSON
	Result       sql.NullString // JSON
	Progress     sql.NullString // JSON
	RequestKey   sql.NullString // idempotency key of the request by hand
	Actor        string
	Instance     string // whose it is while active
	RunGroup     string // concurrency group
	QueuedAt     Millis
	NextAt       Millis // a queued attempt waits until then
	DueAt        Millis // the run is deferred until then: it is queued, has no owner and is not active
	StartedAt    Millis // of the first attempt
	AttemptAt    Millis // of the last one that was started; NULL: there was but the first
	EndedAt      Millis // NULL: active
	CancelAt     Millis // its end was asked for
	CancelReason string
	CancelBy     string
	LeaseUntil   int64  // UTC milliseconds; an active run with a past lease may be taken
	LookedAt     Millis // alerts were thought of, which matters when it went wrong
}
