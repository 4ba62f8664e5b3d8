package contract

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"fibercrons/app/cron"
	"fibercrons/app/plan"
)

// Errors a caller branches on.
var (
	// ErrFenced says that the run no longer belongs to the caller: its lease had expired and
	// it was swept, or it has ended. Nothing was changed.
	ErrFenced = errors.New("run belongs to another owner or has ended")
)

// Store keeps states and runs. All instants are UTC with millisecond precision. Leases are
// given as durations, so that a database with a clock can use its own.
type Store interface {
	Claims
	Journal
	Admin
	Watch
	AuditLog
}

// Claims is the path of a run from slot to end. Every method is one atomic commit, or part of
// one with others that were waiting. A method that returned an error may or may not have taken
// effect; calling it again with the same IDs and tokens settles which.
type Claims interface {
	// Sync makes the definitions of a program known. A job not seen before, or whose Definition
	// differs from the one kept, starts with watermark now. States kept for jobs that are not
	// among the definitions are marked removed. It returns the states of the definitions, in
	// their order; see [Program] for what becomes of those of an older version.
	Sync(ctx context.Context, p Program) (Synced, error)
	// Claim inserts the rows of claims and settles what their slots become; see [Claim].
	// Results are in the order of claims.
	Claim(ctx context.Context, claims []Claim) ([]Claimed, error)
	// Start turns a queued run into a running one and counts its attempt. Blocked means that
	// another run of the job or its group's limit stands in the way: nothing was changed.
	Start(ctx context.Context, s Start) (StartOutcome, error)
	// Finish ends a run, or with status Queued puts it back for another attempt. It answers
	// [ErrFenced] when the fence no longer holds.
	Finish(ctx context.Context, f Finish) error
	// Beat extends the lease of everything the instance holds and returns it. What the
	// instance believes to hold and is not in the answer is lost.
	Beat(ctx context.Context, b Beat) ([]LeasedRun, error)
	// Expired returns up to limit active runs whose lease has expired, oldest first, with the
	// number of the last line that each has logged.
	Expired(ctx context.Context, limit int) ([]cron.Record, error)
	// Take settles expired runs: each is taken over or ended, if its token still is the one
	// given and its lease still has expired. It says for each whether it was.
	Take(ctx context.Context, takes []Take) ([]bool, error)
}

// Journal keeps what runs tell.
type Journal interface {
	// Note appends log lines and progress of running runs. A fenced run's notes are dropped.
	Note(ctx context.Context, notes []Note) error
	// Prune deletes at most limit ended runs of a job, with their logs, beyond the newest keep
	// (0: no limit by number) or ended before cutoff (zero: no limit by age). Runs above the
	// watermark stay. It returns how many it deleted.
	Prune(ctx context.Context, job string, keep int, cutoff time.Time, limit int) (int, error)
}

// Admin is what people and programs ask and tell.
type Admin interface {
	// States returns the state of every job ever seen, or of those named, by name.
	States(ctx context.Context, names ...string) (map[string]State, error)
	// Outline returns what a list shows of every job ever seen: the last run's start, status,
	// error and duration, the numbers of runs, pause, override and removal.
	Outline(ctx context.Context) (map[string]State, error)
	// Runs returns records, newest first.
	Runs(ctx context.Context, q Query) ([]cron.Record, error)
	// Run returns one record, or [cron.ErrNotFound]; of a run that waits for another attempt with the number
	// of the last line it has logged.
	Run(ctx context.Context, id string) (cron.Record, error)
	// Logs returns lines of a run with Seq > after, oldest first.
	Logs(ctx context.Context, id string, after int64, limit int) ([]cron.LogLine, error)
	// Pause sets or lifts a job's pause and returns the new state.
	Pause(ctx context.Context, p Pause) (State, error)
	// Override sets or lifts a job's schedule override, moves the job's watermark up to o.At, and returns
	// the new state. A store with a clock of its own that is behind o.At puts that in its place.
	Override(ctx context.Context, o plan.Override) (State, error)
	// Overrides returns every override that was ever set, those that were lifted included.
	Overrides(ctx context.Context) ([]plan.Override, error)
	// Instances returns every process that has given a sign of life and is not forgotten, by ID.
	Instances(ctx context.Context) ([]InstanceInfo, error)
	// Cancel asks the owner of an active run to end it, and returns the record. A run that has
	// ended is returned unchanged.
	Cancel(ctx context.Context, id string, reason cron.Reason, actor string) (cron.Record, error)
	// Ping says whether the store answers.
	Ping(ctx context.Context) error
}

// Program is the jobs as one process has them.
//
// Programs that differ in their definitions are different versions, told apart by their Print. A
// version that the store has not seen is newer than all before it. While an instance of a newer
// version lives, an older one changes nothing about jobs that the newer has defined otherwise or
// removed: their states say Superseded. When none does, the older one has been put back on purpose:
// it becomes the newest, and its definitions hold again. Print empty: no version, and never
// superseded.
type Program struct {
	Definitions []Definition
	Print       string
	Instance    InstanceInfo
	Lease       time.Duration // an instance that was silent for twice as long lives no more
	At          time.Time     // now, by the caller's clock
}

// WrongClock is how far a watermark may lie ahead of now. One that lies further ahead was set by a
// clock that was wrong: Sync sets it to now, or the job would be silent until then. Slots that were
// claimed by that clock keep their rows, and are not claimed again.
const WrongClock = 48 * time.Hour

// Synced is the answer to [Claims].Sync.
type Synced struct {
	States     []State
	Generation int64 // of the version, for claims; the newer, the greater
}

// Definition is a job as the store knows it.
type Definition struct {
	Name       string
	Definition string
}

// Fence names a run and the token that must still be in its row.
type Fence struct {
	ID    string
	Token int64
}

// Claim asks for one run. The store decides, in the transaction of the insert:
//
//   - A slot that lies ahead of the store's own clock is answered with Early, and nothing happens.
//   - A slot of a job that a version of a greater Generation has defined otherwise or removed is
//     answered with Superseded, and nothing happens.
//   - A slot that was found by another schedule than the one the job has now is answered with Rescheduled, and
//     nothing happens: the override that the store has of the job, if it ever had one, is not the claim's.
//   - A slot at or below the job's watermark, or whose row exists, is lost to whoever settled
//     it (Won false), unless the row's ID is this claim's: then the claim had succeeded before.
//   - Status Skipped is recorded as it is. Otherwise, when the job is paused and the run is not
//     forced, it becomes Skipped "paused".
//   - Otherwise, when the job has an active run, Overlap decides: Skip gives Skipped "overlap";
//     Queue gives Queued, or Skipped "queue_full" when QueueCap runs are queued; Replace asks
//     the active runs to be cancelled ("replaced") and gives Queued; Allow changes nothing.
//   - Otherwise the row has the Status asked for: Running (attempt 1 has started) or Queued.
//
// A run by hand (no slot) that would be skipped is not recorded: Refused holds the reason.
// A run by hand with a Key that the job has had is not inserted: Claimed.ID is the earlier run.
// Watermark, if not zero, becomes the job's watermark when it is later than the one kept.
type Claim struct {
	Fence
	Job       string
	Slot      time.Time // zero: by hand
	DataSlot  time.Time
	Trigger   cron.Trigger
	Status    cron.Status // Running, Queued or Skipped
	Reason    cron.Reason // of Skipped
	Detail    string      // of Skipped; kept as the run's error
	Overlap   cron.OverlapPolicy
	QueueCap  int
	Force     bool // neither pause nor overlap refuses it
	Group     string
	Instance  string
	Lease     time.Duration
	At        time.Time // now, by the caller's clock
	Watermark time.Time
	Args      json.RawMessage
	Key       string
	Actor     string
	// Generation of the version that claims a slot; see [Program]. 0: any.
	Generation int64
	// Since is when the override was made or lifted by whose schedule the slot was found; zero: there never
	// was one.
	Since time.Time
}

// Claimed is what became of a [Claim].
type Claimed struct {
	Won     bool   // the row is this claim's
	ID      string // of the row, whoever's it is; may be empty when it was pruned
	Status  cron.Status
	Reason  cron.Reason
	Refused cron.Reason // by hand only: why there is no row
	// Early is how far the slot lies ahead of the store's clock: nothing was done, and the slot is to be
	// claimed again by then. A store without a clock of its own never answers it.
	Early time.Duration
	// Superseded says that a newer version of the program has the job otherwise, or no more.
	Superseded bool
	// Rescheduled says that the job has another schedule by now; see [plan.Override].
	Rescheduled bool
}

// Start asks for the next attempt of a queued run.
type Start struct {
	Fence
	Job        string
	Instance   string // becomes the run's owner; empty: the owner stays
	Attempt    int    // fenced unless this is the number of the attempt to start; 0: whichever is next
	At         time.Time
	Lease      time.Duration
	Serial     bool   // no other run of the job may be running
	Group      string // empty: no limit
	GroupLimit int
	// InTurn, of a serial start or one in a group: a run of the job or group for an earlier slot, which is queued
	// in another process for its first attempt and whose lease has not expired, goes first. In a group as many
	// jobs go first as it has places, and none of which a run goes on. Passed excepts slots up to this one.
	InTurn bool
	Passed time.Time
}

// StartOutcome is what became of a [Start].
type StartOutcome struct {
	Started   bool
	Blocked   bool      // try again when something of the job or group has ended
	By        string    // of Blocked: ID of the run that goes on, of several in a group the last, or that goes first
	First     time.Time // slot of the run that goes first; zero if one goes on
	Cancelled bool      // a cancel was asked for before it could start: finish it
	Reason    cron.Reason
}

// Finish ends a run, or an attempt of it.
type Finish struct {
	Fence
	Job      string
	Slot     time.Time
	Attempt  int // not 0: fenced unless the run is queued, and this the number of its next attempt
	Status   cron.Status
	Reason   cron.Reason
	Error    string
	Stack    string
	Result   json.RawMessage
	Progress *cron.Progress
	Attempts []cron.Attempt // all so far
	Started  time.Time      // of the first attempt; zero: none was
	At       time.Time
	NextAt   time.Time      // with status Queued: not before
	Release  bool           // with status Queued: give up the lease, so that any process takes it at once
	Lines    []cron.LogLine // not yet noted

	Cause error // what Error is the text of; nil when it is none of the function's. No store keeps it.
}

// Beat is a sign of life.
type Beat struct {
	Instance InstanceInfo
	At       time.Time
	Lease    time.Duration
	Quick    bool // only look for cancel requests, extend nothing
	Gone     bool // the instance has stopped
}

// LeasedRun is an active run of an instance.
type LeasedRun struct {
	Fence
	Status   cron.Status
	Cancel   bool // its end was asked for
	Reason   cron.Reason
	CancelBy string
}

// Take settles a run whose lease has expired. Status Queued takes it over under NewToken; an
// ended status ends it.
type Take struct {
	Finish
	NewToken int64
	Instance string
	Lease    time.Duration
}

// Note is what a running run has told since the last one.
type Note struct {
	Fence
	Lines    []cron.LogLine
	Progress *cron.Progress
}

// Query selects records. The zero Query is all of them.
type Query struct {
	Job      string
	Statuses []cron.Status
	Instance string
	Since    time.Time // queued at or after
	Until    time.Time // queued before
	Before   string    // cursor: only records older than the one with this ID
	IDs      []string  // only these
	Limit    int       // 0: 50
}

// Pause is a job's pause, or with Resume its end.
type Pause struct {
	Job    string
	Resume bool
	Until  time.Time // zero: until resumed
	Reason string
	Actor  string
	At     time.Time
}

// InstanceInfo describes one process.
type InstanceInfo struct {
	ID        string    `json:"id"`
	Host      string    `json:"host"`
	PID       int       `json:"pid"`
	Version   string    `json:"version"`
	TZData    string    `json:"tzdata"` // see [schedule.DataVersion]; "" where the program is older than this
	StartedAt time.Time `json:"started_at"`
	SeenAt    time.Time `json:"seen_at"`
	StoppedAt time.Time `json:"stopped_at,omitzero"`
}

// AuditLog keeps what people and programs have changed.
type AuditLog interface {
	// Audit keeps one entry. Its ID is the store's to give.
	Audit(ctx context.Context, e AuditEntry) error
}

// GoesOn says that the claim was won, and by a run that has not ended.
func (c *Claimed) GoesOn() bool { return c.Won && !c.Status.Ended() }
