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
	// ErrFenced says that the caller does not own the run any more: its lease expired and another process settled it,
	// or it has ended. Nothing was changed.
	ErrFenced = errors.New("run belongs to another owner or has ended")
)

// Store keeps states and runs. All instants are UTC with millisecond precision. Leases are durations, so that a
// database can use its own clock.
type Store interface {
	Claims
	Journal
	Admin
	Watch
	AuditLog
	Schedules
	ScheduleReader
}

// Claims takes a run from slot to end. Every method is one atomic commit, or shares one with other waiting calls. After
// an error the call may or may not have taken effect; repeating it with the same IDs and tokens tells which.
type Claims interface {
	// Sync registers the definitions of a program and returns their states, in order. A job that is new, or whose
	// Definition has changed, starts with watermark now. Jobs that are not among the definitions are marked removed.
	// See [Program] for the definitions of an older version.
	Sync(ctx context.Context, p Program) (Synced, error)
	// Claim inserts the rows of claims, and decides about their slots; see [Claim]. Results are in the order of claims.
	Claim(ctx context.Context, claims []Claim) ([]Claimed, error)
	// Start makes a queued run running and counts its attempt. If another run of the job or the group's limit prevents
	// that, the outcome is Blocked and nothing was changed.
	Start(ctx context.Context, s Start) (StartOutcome, error)
	// Finish ends a run, or with status Queued queues it for another attempt. It returns [ErrFenced] if the fence does
	// not hold any more.
	Finish(ctx context.Context, f Finish) error
	// Beat extends the leases of all runs of the instance and returns the runs. A run that is not returned is lost.
	Beat(ctx context.Context, b Beat) ([]LeasedRun, error)
	// Expired returns up to limit active runs, without deferred ones, whose lease has expired, oldest first, with the number of each one's last
	// log line.
	Expired(ctx context.Context, limit int) ([]cron.Record, error)
	// Take settles expired runs: each is taken over or ended, if its token is unchanged and its lease is still expired.
	// It returns which were.
	Take(ctx context.Context, takes []Take) ([]bool, error)
}

// Journal keeps the logs and progress of runs.
type Journal interface {
	// Note appends log lines and progress of running runs. Notes of a fenced run are dropped.
	Note(ctx context.Context, notes []Note) error
	// Prune deletes at most limit ended runs, with their logs, and returns their number. Runs above the watermark of
	// their job or schedule stay.
	Prune(ctx context.Context, p Prune) (int, error)
}

// Prune selects the runs of a job to delete: those beyond the newest Keep of its runs without a schedule, or of one
// stored schedule, and those of any that ended before Cutoff.
type Prune struct {
	Job      string
	Schedule string    // empty: none
	Keep     int       // 0: no limit by number
	Cutoff   time.Time // zero: no limit by age; used only without a Schedule
	Limit    int
}

// Admin is the queries and changes of people and programs.
type Admin interface {
	// States returns the state of every job ever seen, or of the named ones, by name.
	States(ctx context.Context, names ...string) (map[string]State, error)
	// Outline returns the states for a list of every job ever seen: the last run's start, status, error and duration,
	// the numbers of runs, pause, override and removal.
	Outline(ctx context.Context) (map[string]State, error)
	// Runs returns records, newest first.
	Runs(ctx context.Context, q Query) ([]cron.Record, error)
	// Run returns one record, or [cron.ErrNotFound]. If the run waits for another attempt, the record has the number of
	// its last log line.
	Run(ctx context.Context, id string) (cron.Record, error)
	// Logs returns lines of a run with Seq > after, oldest first.
	Logs(ctx context.Context, id string, after int64, limit int) ([]cron.LogLine, error)
	// Pause sets or lifts a job's pause and returns the new state.
	Pause(ctx context.Context, p Pause) (State, error)
	// Override sets or lifts a job's schedule override, advances the job's watermark to o.At, and returns the new
	// state. A store whose own clock is behind o.At uses its own time instead.
	Override(ctx context.Context, o plan.Override) (State, error)
	// Overrides returns every override ever set, including lifted ones.
	Overrides(ctx context.Context) ([]plan.Override, error)
	// Instances returns every process that has sent a heartbeat and is not forgotten, by ID.
	Instances(ctx context.Context) ([]InstanceInfo, error)
	// Cancel asks the owner of an active run to cancel it, and returns the record. An ended run is returned unchanged.
	Cancel(ctx context.Context, id string, reason cron.Reason, actor string) (cron.Record, error)
	// Ping checks that the store answers.
	Ping(ctx context.Context) error
}

// Program is the jobs of one process.
//
// Programs with different definitions are different versions, identified by their Print. A version that is new to the
// store is newer than all before. While an instance of a newer version is alive, an older version cannot change jobs
// that the newer one has changed or removed; their states say Superseded. Without a living newer instance, the older
// version was redeployed deliberately: it becomes the newest, and its definitions apply again. An empty Print is no
// version, and is never superseded.
type Program struct {
	Definitions []Definition
	Print       string
	Instance    InstanceInfo
	Lease       time.Duration // an instance without a heartbeat for twice as long is dead
	At          time.Time     // now, by the caller's clock
}

// WrongClock is how far a watermark may be ahead of now. One further ahead comes from a wrong clock. Sync sets it to
// now, because the job would be silent until then. Slots that were claimed by that clock keep their rows and are not
// claimed again.
const WrongClock = 48 * time.Hour

// Synced is the result of [Claims].Sync.
type Synced struct {
	States     []State
	Generation int64 // of the version, for claims; larger is newer
}

// Definition is a job as the store knows it.
type Definition struct {
	Name       string
	Definition string
}

// Fence is a run and the token that its row must still have.
type Fence struct {
	ID    string
	Token int64
}

// Claim requests one run. The store decides in the transaction of the insert:
//
//   - Early, nothing changed: the slot is ahead of the store's own clock.
//   - Superseded, nothing changed: a version of a greater Generation has changed or removed the job.
//   - Rescheduled, nothing changed: the slot comes from an older schedule. Since is not the time of the job's override,
//     or the stored schedule was deleted or does not have this Revision.
//   - Won false: the slot is at or below the job's watermark, or its row exists. If the row has this claim's ID, the
//     claim had succeeded before, and Won is true.
//   - Skipped is recorded as requested. Otherwise, if the job is paused and the run is not forced: Skipped "paused".
//   - Otherwise, if the job has an active run, Overlap decides. Skip: Skipped "overlap". Queue: Queued, or Skipped
//     "queue_full" if QueueCap runs are queued. Replace: asks the active runs to cancel ("replaced"), and Queued.
//     Allow: no change.
//   - Otherwise the row has the requested Status: Running (attempt 1 has started) or Queued.
//
// A manual run (no slot) that would be skipped is not recorded; Refused is the reason. A manual run with a Key that the
// job has had is not inserted; Claimed.ID is the earlier run. A Watermark later than the job's replaces it.
//
// With a Schedule, the slot is that stored schedule's: the watermark, the active runs and Since's role are the
// schedule's, and so is a pause, beside the job's. A won slot that is not skipped counts as one of its runs; when it has
// had MaxRuns, further slots are not won, and it has no Next. A manual run may have a Schedule, which need not exist:
// it overlaps with the runs of that.
//
// A manual run with NotBefore is deferred: it is recorded as queued and without an owner, whatever else is active and
// even if the job is paused, and its record's NextAt is NotBefore. A deferred run is not active: it overlaps with
// nothing and counts nowhere. It can be taken (see Take) when NotBefore is past by the store's clock, and is an ordinary
// queued run from then on. Cancel ends it at once.
type Claim struct {
	Fence
	Job       string
	Schedule  string    // ID of the stored schedule; empty: the job's code, or none
	Slot      time.Time // zero: manual
	DataSlot  time.Time
	Trigger   cron.Trigger
	Status    cron.Status // Running, Queued or Skipped
	Reason    cron.Reason // of Skipped
	Detail    string      // of Skipped; kept as the run's error
	Overlap   cron.OverlapPolicy
	QueueCap  int
	Force     bool // ignore pause and overlap
	Group     string
	Instance  string
	Lease     time.Duration
	At        time.Time // now, by the caller's clock
	Watermark time.Time
	Args      json.RawMessage
	Key       string
	Actor     string
	// Generation is that of the version that claims a slot; see [Program]. 0: any.
	Generation int64
	// Since is when the override behind the slot was made or lifted; zero: there was never one.
	Since time.Time
	// Revision is that of the stored schedule behind the slot.
	Revision int64
	// Next is the first slot after Watermark; zero: none. It becomes the schedule's when Watermark does.
	Next time.Time
	// NotBefore defers a manual run; zero: it is not deferred.
	NotBefore time.Time
}

// Claimed is the result of a [Claim].
type Claimed struct {
	Won     bool   // the row is this claim's
	ID      string // of the row, whoever inserted it; may be empty if it was pruned
	Status  cron.Status
	Reason  cron.Reason
	Refused cron.Reason // manual only: why there is no row
	// Early is how far the slot is ahead of the store's clock; claim it again after that. Only a store with its own
	// clock sets it.
	Early time.Duration
	// Superseded says that a newer version has changed or removed the job.
	Superseded bool
	// Rescheduled says that the job's schedule has changed; see [plan.Override].
	Rescheduled bool
}

// Start requests the next attempt of a queued run.
type Start struct {
	Fence
	Job        string
	Schedule   string
	Instance   string // becomes the run's owner; empty: the owner stays
	Attempt    int    // fenced unless it is the number of the next attempt; 0: any
	At         time.Time
	Lease      time.Duration
	Serial     bool   // no other run of the job, or of its stored schedule, may be running
	Group      string // empty: no limit
	GroupLimit int
	// InTurn, for a serial or group start, lets earlier slots of the job or group go first, if another process has them
	// queued for a first attempt with a valid lease. In a group this applies to as many jobs as it has places, without
	// jobs that have a running run. Slots up to Passed do not go first.
	InTurn bool
	Passed time.Time
}

// StartOutcome is the result of a [Start].
type StartOutcome struct {
	Started   bool
	Blocked   bool      // retry when a run of the job or group has ended
	By        string    // of Blocked: ID of the running run (in a group the last one), or of the one that goes first
	First     time.Time // slot of the run that goes first; zero if By is running
	Cancelled bool      // a cancel was requested before the start: finish it
	Reason    cron.Reason
}

// Finish ends a run or an attempt.
type Finish struct {
	Fence
	Job      string
	Schedule string
	Slot     time.Time
	Attempt  int // not 0: fenced unless the run is queued and this is its next attempt
	Status   cron.Status
	Reason   cron.Reason
	Error    string
	Stack    string
	Result   json.RawMessage
	Progress *cron.Progress
	Attempts []cron.Attempt // all so far
	Started  time.Time      // of the first attempt; zero: none
	At       time.Time
	NextAt   time.Time      // with status Queued: not before
	Release  bool           // with status Queued: release the lease, so that any process can take it at once
	Lines    []cron.LogLine // not yet noted

	Cause error // the function's error, of which Error is the text; nil: none. Not stored.
}

// Beat is a heartbeat.
type Beat struct {
	Instance InstanceInfo
	At       time.Time
	Lease    time.Duration
	Quick    bool // only return cancel requests, extend nothing
	Gone     bool // the instance has stopped
}

// LeasedRun is an active run of an instance.
type LeasedRun struct {
	Fence
	Status   cron.Status
	Cancel   bool // cancel was requested
	Reason   cron.Reason
	CancelBy string
}

// Take settles a run whose lease has expired. Status Queued takes it over with NewToken; an ended status ends it.
type Take struct {
	Finish
	NewToken int64
	Instance string
	Lease    time.Duration
}

// Note is what a running run has logged and reported since the last Note.
type Note struct {
	Fence
	Lines    []cron.LogLine
	Progress *cron.Progress
}

// Query selects records. The zero Query selects all.
type Query struct {
	Job      string
	Schedule string // ID of a stored schedule
	// Unscheduled selects runs without a stored schedule: those of the job's code, and manual ones. With a Job and
	// without IDs, slots that were claimed out of order may be missing at the end of a page.
	Unscheduled bool
	Statuses    []cron.Status
	Instance    string
	Since       time.Time // queued at or after
	Until       time.Time // queued before
	Before      string    // cursor: only records older than the one with this ID
	IDs         []string  // only these
	Limit       int       // 0: 50
}

// Pause pauses or resumes a job.
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
	TZData    string    `json:"tzdata"` // see [schedule.DataVersion]; empty: a program older than this field
	Parts     []string  `json:"parts"`  // what it is built with; see package part. Empty: a program older than this field
	StartedAt time.Time `json:"started_at"`
	SeenAt    time.Time `json:"seen_at"`
	StoppedAt time.Time `json:"stopped_at,omitzero"`
}

// AuditLog keeps the changes of people and programs.
type AuditLog interface {
	// Audit adds one entry. The store assigns its ID.
	Audit(ctx context.Context, e AuditEntry) error
}

// GoesOn reports whether the claim won a run that has not ended.
func (c *Claimed) GoesOn() bool { return c.Won && !c.Status.Ended() }
