package store

import (
	"database/sql"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

// source is what slots belong to, and what overlaps: a job's code, or one of its stored schedules.
type source struct{ job, schedule string }

// run is what a transaction needs of a row of job_runs to decide about it.
type run struct {
	id string
	source
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
	dueAt        int64 // of a deferred run; 0: it is not, or no longer

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

func (s *jobState) fields() []any {
	return []any{&s.watermark, &s.paused, &s.pausedUntil, &s.generation, &s.overrideAt}
}

// storedSchedule is what a transaction needs of a row of job_schedules.
type storedSchedule struct {
	job         string
	revision    int64
	watermark   int64
	next        int64
	paused      bool
	pausedUntil int64
	most, runs  int64 // most 0: no limit
	busy        bool  // as of jobState, like those below
	known       bool
	locked      bool
	occupied    bool
}

func (g *storedSchedule) fields() []any {
	return []any{&g.job, &g.revision, &g.watermark, &g.next, &g.paused, &g.pausedUntil, &g.most, &g.runs}
}

// glimpsed reports whether nothing but its watermark was read.
func (g *storedSchedule) glimpsed() bool { return g.revision == 0 }

// spent reports whether no more of its slots may run.
func (g *storedSchedule) spent() bool { return g.most > 0 && g.runs >= g.most }

// pausedNow reports whether a pause holds at an instant.
func pausedNow(paused bool, until, at int64) bool { return paused && (until == 0 || at < until) }

// scanRun reads the columns that the statements about runs select, then those of more.
func scanRun(rows *sql.Rows, more ...any) (*run, error) {
	var r run
	var slot sql.NullInt64
	err := rows.Scan(append([]any{&r.id, &r.job, &slot, &r.token, &r.status, &r.reason, &r.attempt, &r.startedAt,
		&r.cancelAt, &r.cancelReason, &r.instance, &r.leaseUntil, &r.group, &r.schedule, &r.dueAt}, more...)...)
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
