package cron

import (
	"encoding/json"
	"strings"
	"time"
)

// Status is the state of a run.
type Status string

// A run is queued until there is a worker, its turn has come and its next attempt is due. It is then running, and ends
// in one of the other five.
const (
	Queued      Status = "queued"
	Running     Status = "running"
	Succeeded   Status = "succeeded"
	Failed      Status = "failed"
	Cancelled   Status = "cancelled"
	Skipped     Status = "skipped"
	Interrupted Status = "interrupted"
)

// Ended reports whether a run with this status has ended.
func (s Status) Ended() bool { return s != Queued && s != Running && s != "" }

// Reason is why a run was skipped, cancelled or interrupted.
type Reason string

// The reasons.
const (
	ReasonMissed     Reason = "missed"     // nothing could run the slot when it was due, and it was not caught up
	ReasonSuperseded Reason = "superseded" // missed, and a newer slot ran in its place
	ReasonOverlap    Reason = "overlap"    // an earlier run was active
	ReasonQueueFull  Reason = "queue_full" // too many runs of the job were waiting
	ReasonPaused     Reason = "paused"     // the job was paused
	ReasonLate       Reason = "late"       // it could not start within its deadline
	ReasonReplaced   Reason = "replaced"   // cancelled by the job's next run
	ReasonRequested  Reason = "requested"  // cancelled by a person or a program
	ReasonShutdown   Reason = "shutdown"   // cancelled by the process's shutdown
	ReasonCrash      Reason = "crash"      // its process died or lost its lease; outcome unknown
	ReasonRemoved    Reason = "removed"    // its job is no longer registered
	ReasonElsewhere  Reason = "elsewhere"  // a replica with its own store took the slot
)

// Trigger is the origin of a run.
type Trigger string

// The triggers.
const (
	BySchedule Trigger = "schedule"
	ByCatchUp  Trigger = "catch_up"
	ByHand     Trigger = "manual"
	ByBackfill Trigger = "backfill"
	ByRetry    Trigger = "retry"
)

// Record is a run as stored, and as shown over HTTP and by the CLI.
type Record struct {
	ID        string          `json:"id"`
	Job       string          `json:"job"`
	Schedule  *string         `json:"schedule"` // ID of the stored schedule; null: none
	Status    Status          `json:"status"`
	Reason    Reason          `json:"reason,omitempty"`
	Trigger   Trigger         `json:"trigger"`
	Slot      *time.Time      `json:"slot"`                // the claimed slot; null for a manual run
	DataSlot  *time.Time      `json:"data_slot,omitempty"` // the past slot of a backfill or retry
	Attempt   int             `json:"attempt"`             // attempts started so far
	Attempts  []Attempt       `json:"attempts,omitempty"`
	Error     string          `json:"error,omitempty"`
	Stack     string          `json:"stack,omitempty"` // of a panic
	Args      json.RawMessage `json:"args,omitempty"`
	Result    json.RawMessage `json:"result,omitempty"`
	Progress  *Progress       `json:"progress,omitempty"`
	Key       string          `json:"key,omitempty"` // idempotency key of the request
	Actor     string          `json:"actor,omitempty"`
	Instance  string          `json:"instance,omitempty"`
	QueuedAt  time.Time       `json:"queued_at"`
	NextAt    *time.Time      `json:"next_attempt_at,omitempty"` // a retry or a deferred run waits until then
	StartedAt *time.Time      `json:"started_at"`                // of the first attempt
	EndedAt   *time.Time      `json:"ended_at"`
	Duration  *int64          `json:"duration_ms"` // from StartedAt to EndedAt
	Cancel    *time.Time      `json:"cancel_requested_at,omitempty"`
	Overdue   bool            `json:"overdue,omitempty"` // still running past its timeout or cancellation

	TraceID string `json:"trace_id,omitempty"` // if tracing is on

	LogSeq    int64      `json:"-"` // of the last line kept; set in events of an end
	Token     int64      `json:"-"` // fencing token
	Group     string     `json:"-"` // concurrency group
	AttemptAt *time.Time `json:"-"` // start of the latest attempt; nil: StartedAt if it is the first
	Deferred  bool       `json:"-"` // queued, but its time had not come when it was recorded, and no process owns it
}

// ScheduleOf returns the ID as a record has it: nil if it is empty.
func ScheduleOf(id string) *string {
	if id == "" {
		return nil
	}
	return &id
}

// ScheduleID returns the ID of the run's stored schedule, or the empty string.
func (rec *Record) ScheduleID() string {
	if rec.Schedule == nil {
		return ""
	}
	return *rec.Schedule
}

// AttemptStarted returns the start of the latest attempt, or false if it is unknown.
func (rec *Record) AttemptStarted() (time.Time, bool) {
	switch {
	case rec.AttemptAt != nil:
		return *rec.AttemptAt, true
	case rec.Attempt == 1 && rec.StartedAt != nil:
		return *rec.StartedAt, true
	}
	return time.Time{}, false
}

// Failures counts the attempts that ended in an error of the function.
func (rec *Record) Failures() (n int) {
	for _, a := range rec.Attempts {
		if a.EndedAt != nil && a.Error != "" {
			n++
		}
	}
	return n
}

// Attempt is one call of the function inside a run.
type Attempt struct {
	Number    int        `json:"attempt"`
	Instance  string     `json:"instance"`
	StartedAt time.Time  `json:"started_at"`
	EndedAt   *time.Time `json:"ended_at"`
	Error     string     `json:"error,omitempty"`
}

// Progress is a run's reported progress.
type Progress struct {
	Done  int64  `json:"done"`
	Total int64  `json:"total"` // 0: unknown
	Text  string `json:"text,omitempty"`
}

// LogLine is one line a job logged.
type LogLine struct {
	Seq     int64           `json:"seq"` // counts from 1 in each run
	Time    time.Time       `json:"time"`
	Attempt int             `json:"attempt"`
	Level   string          `json:"level"`
	Message string          `json:"message"`
	Attrs   json.RawMessage `json:"attrs,omitempty"`
}

// Causes of a failure, besides the reasons.
const (
	CauseError   = "error"
	CausePanic   = "panic"
	CauseTimeout = "timeout"
)

// Cause says in one word why a run or its last attempt ended: its reason if it has one; for a failure whether by an
// error, a panic or the timeout; empty for a success.
func (rec *Record) Cause() string {
	switch {
	case rec.Reason != "":
		return string(rec.Reason)
	case rec.Error == "":
		return ""
	case rec.Stack != "":
		return CausePanic
	case strings.HasPrefix(rec.Error, timedOut):
		return CauseTimeout
	}
	return CauseError
}
