package contract

import (
	"context"
	"encoding/json"
	"time"

	"fibercrons/app/cron"
)

// Schedule is a stored schedule: one that is data, not code. Its slots are its own: they are claimed under (job,
// schedule, slot), and its runs overlap only with each other.
type Schedule struct {
	ID      string // the user's; unique in the store
	Job     string
	Expr    string
	Zone    string            // of Expr; empty: the job's
	Args    json.RawMessage   // complete; nil: the job takes none
	From    time.Time         // no slot before it; zero: none
	Until   time.Time         // no slot after it; zero: none
	MaxRuns int64             // slots that may run; 0: no limit
	Meta    map[string]string // for readers and filters

	Paused       bool
	PausedAt     time.Time
	PausedUntil  time.Time // zero: until resumed
	PausedBy     string
	PausedReason string

	// Revision grows with each change by a person or a program, also when a deleted ID is used again.
	Revision int64
	// Watermark is the instant up to which every slot is settled.
	Watermark time.Time
	// Next is not after the first unsettled slot; zero: there is none. While the slots of a pause are not recorded, it is
	// the first at or after the end of the pause; zero: the pause has no end. The slot itself follows from the
	// expression, the watermark and the pause.
	Next time.Time
	// Runs counts the slots that were not skipped.
	Runs int64

	LastRun    time.Time   // start of the run that ended last; zero: none
	LastRunID  string      // of the run that ended last, also if skipped
	LastStatus cron.Status // of the same
	CreatedAt  time.Time
	UpdatedAt  time.Time // of the last change by a person or a program
	UpdatedBy  string
}

// PausedNow reports whether slots at now do not run.
func (s *Schedule) PausedNow(now time.Time) bool {
	return s.Paused && (s.PausedUntil.IsZero() || now.Before(s.PausedUntil))
}

// PutSchedule makes or changes a stored schedule.
type PutSchedule struct {
	// Schedule has the fields that people set: ID to Meta, Paused, UpdatedBy. Paused makes a pause without an end, and
	// leaves one as it is. The others are ignored.
	Schedule
	// After returns the first slot of the schedule after an instant, within From and Until; zero: none. The store
	// calls it with the watermark that it has chosen.
	After func(time.Time) time.Time
	// KeepPaused says that slots during a pause are recorded. Otherwise a paused schedule has no Next.
	KeepPaused bool
	// Match, if not 0, is the revision that the schedule must have; [NoRevision]: it must not exist.
	Match int64
	At    time.Time // now, by the caller's clock
}

// NoRevision is the [PutSchedule].Match of a schedule that must not exist yet.
const NoRevision = -1

// PutOutcome says what a [PutSchedule] has done.
type PutOutcome string

// The outcomes.
const (
	PutCreated   PutOutcome = "created"
	PutChanged   PutOutcome = "changed"
	PutUnchanged PutOutcome = "unchanged" // it was as requested; nothing was written, and the revision is the same
	PutConflict  PutOutcome = "conflict"  // it does not have the revision of Match; nothing was changed
)

// PutResult is the result of a [PutSchedule].
type PutResult struct {
	Outcome PutOutcome
	Before  *Schedule // as it was; nil: it was created, or nothing has that ID
	After   *Schedule // as it is; nil: a conflict
}

// PauseSchedule pauses or resumes a stored schedule.
type PauseSchedule struct {
	ID         string
	Resume     bool
	Until      time.Time // zero: until resumed
	Reason     string
	Actor      string
	After      func(time.Time) time.Time // as of [PutSchedule]
	KeepPaused bool                      // likewise
	Match      int64                     // likewise
	At         time.Time
}

// ScheduleQuery selects stored schedules, by ID. The zero ScheduleQuery selects all.
type ScheduleQuery struct {
	IDs    []string // only these
	Job    string
	Search string // part of the ID, or of a value of Meta, without regard to case
	Meta   map[string]string
	Paused *bool
	// DueAfter and DueBefore select by Next: at or after, and before.
	DueAfter, DueBefore time.Time
	After               string // cursor: only IDs after this one
	Limit               int    // 0: 50
}

// Schedules keeps the stored schedules. Each method is one atomic commit, or a part of the caller's transaction.
type Schedules interface {
	// PutSchedules makes or changes schedules, all in one transaction, and returns the results in order.
	//
	// A new schedule, or one whose Job, Expr, Zone, From, Until or MaxRuns has changed, has its watermark at At, at its own and
	// at its From less a millisecond, whichever is latest; a store whose own clock is behind At uses its own time in
	// place of At. So its slots begin with the edit. A change of anything else leaves the watermark. When a pause is
	// lifted, the watermark moves to now likewise, unless KeepPaused; a pause that has ended by itself is none. Next is
	// the first slot after the watermark, or none if the schedule has had MaxRuns runs; see [Schedule].Next for a pause.
	// A conflict affects its own put alone.
	PutSchedules(ctx context.Context, puts []PutSchedule) ([]PutResult, error)
	// DeleteSchedule deletes a schedule, or returns [cron.ErrNotFound]. Its active runs go on, and its history stays
	// until it is pruned by age. match is as of [PutSchedule].
	DeleteSchedule(ctx context.Context, id string, match int64) (PutResult, error)
	// PauseSchedule pauses or resumes a schedule, or returns [cron.ErrNotFound]. Pausing a paused schedule changes its
	// end and reason. Resuming one that is not paused changes nothing.
	PauseSchedule(ctx context.Context, p PauseSchedule) (PutResult, error)
}

// Transaction is a transaction of the user's own on the store's database. Nothing of it counts until the user commits.
type Transaction interface {
	Schedules
	AuditLog
	// Defer is [Claims].Claim of a run with NotBefore.
	Defer(ctx context.Context, c Claim) (Claimed, error)
}

// ScheduleReader reads the stored schedules.
type ScheduleReader interface {
	// StoredSchedules returns schedules by ID.
	StoredSchedules(ctx context.Context, q ScheduleQuery) ([]Schedule, error)
	// Upcoming says whether there is anything to do soon. It is one statement, by indexes.
	Upcoming(ctx context.Context) (Upcoming, error)
	// DueSchedules returns up to limit schedules whose Next is at or before a time, the earliest first, without those
	// of the jobs in except.
	DueSchedules(ctx context.Context, until time.Time, except []string, limit int) ([]Schedule, error)
	// DueRuns returns up to limit deferred runs whose time is at or before until, the earliest first, without those of
	// the jobs in except and of paused jobs.
	DueRuns(ctx context.Context, until time.Time, except []string, limit int) ([]cron.Record, error)
}

// Upcoming is the earliest things to do in the store; zero times: there are none.
type Upcoming struct {
	Schedule time.Time // the earliest Next
	Run      time.Time // the earliest time of a deferred run
}
