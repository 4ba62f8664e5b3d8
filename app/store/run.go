package store

import (
	"database/sql"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

// run is what a transaction needs of a row of job_runs to decide about it.
type run struct {
	id, job      string
	slot         int64
	hand         bool // without a slot
	token        int64
	status       cron.Status
	reason       cron.Reason
	attempt      int
	startedAt    int64
	attemptAt    int64 // of a start that is to be written
	cancelAt     int64
	cancelReason cron.Reason
	instance     string
	leaseUntil   int64
	group        string

	claim   *contract.Claim // not inserted yet
	pending bool            // part of what is to be written
}

func (r *run) active() bool { return !r.status.Ended() }

// claimed is the answer to the claim whose run would have had the ID by.
func (r *run) claimed(by string) contract.Claimed {
	return contract.Claimed{Won: r.id == by, ID: r.id, Status: r.status, Reason: r.reason}
}

// jobState is what a transaction needs of a row of job_state.
type jobState struct {
	watermark   int64
	paused      bool
	pausedUntil int64
	generation  int64
	overrideAt  int64
	busy        bool // has active runs in the database
	known       bool // has a row
	locked      bool // by this transaction
	occupied    bool // one of its runs is active, whichever it is
}

// scanRun reads the columns that the statements about runs select, then those of more.
func scanRun(rows *sql.Rows, more ...any) (*run, error) {
	var r run
	var slot sql.NullInt64
	err := rows.Scan(append([]any{&r.id, &r.job, &slot, &r.token, &r.status, &r.reason, &r.attempt, &r.startedAt,
		&r.cancelAt, &r.cancelReason, &r.instance, &r.leaseUntil, &r.group}, more...)...)
	r.slot, r.hand = slot.Int64, !slot.Valid
	return &r, err
}

// slotOrNull is the slot as a parameter of a statement.
func (r *run) slotOrNull() any {
	if r.hand {
		return nil
	}
	return r.slot
}
