package cron

import (
	"encoding/json"
	"strings"
	"time"
)

// Status is where a run stands.
type Status string

// A run is queued until a worker, its turn or its next attempt's time comes, then running,
// and ends in one of the other five.
const (
	Queued      Status = "queued"
	Running     Status = "running"
	Succeeded   Status = "succeeded"
	Failed      Status = "failed"
	Cancelled   Status = "cancelled"
	Skipped     Status = "skipped"
	Interrupted Status = "interrupted"
)

// Ended says whether nothing more will happen to a run of this status.
func (s Status) Ended() bool { return s != Queued && s != Running && s != "" }

// Reason says why a run was skipped, cancelled or interrupted, in one word.
type Reason string

// The reasons.
const (
	ReasonMissed     Reason = "missed"     // nothing could run the slot when it was due, and catch-up left it out
	ReasonSuperseded Reason = "superseded" // missed, and a newer slot ran in its place
	ReasonOverlap    Reason = "overlap"    // an earlier run had not ended
	ReasonQueueFull  Reason = "queue_full" // too many runs of the job were waiting
	ReasonPaused     Reason = "paused"     // the job was paused
	ReasonLate       Reason = "late"       // it could not start within its deadline
	ReasonReplaced   Reason = "replaced"   // cancelled by the job's next run
	ReasonRequested  Reason = "requested"  // cancelled by a person or a program
	ReasonShutdown   Reason = "shutdown"   // cancelled because the process was told to stop
	ReasonCrash      Reason = "crash"      // its process died or lost its lease; outcome unknown
	ReasonRemoved    Reason = "removed"    // its job is no longer registered
	ReasonElsewhere  Reason = "elsewhere"  // a replica with a store of its own has the slot
)

// Trigger says what asked for a run.
type Trigger string

// The triggers.
const (
	BySchedule Trigger = "schedule"
	ByCatchUp  Trigger = "catch_up"
	ByHand     Trigger = "manual"
	ByBackfill Trigger = "backfill"
	ByRetry    Trigger = "retry"
)

// Record is a run as it is kept, and as it is shown over HTTP and by the CLI.
type Record struct {
	ID        string          `json:"id"`
	Job       string          `json:"job"`
	Status    Status          `json:"status"`
	Reason    Reason          `json:"reason,omitempty"`
	Trigger   Trigger         `json:"trigger"`
	Slot      *time.Time      `json:"slot"`                // the claimed slot; null: asked for by hand
	DataSlot  *time.Time      `json:"data_slot,omitempty"` // the past slot a backfill or retry stands for
	Attempt   int             `json:"attempt"`             // attempts started so far
	Attempts  []Attempt       `json:"attempts,omitempty"`
	Error     string          `json:"error,omitempty"`
	Stack     string          `json:"stack,omitempty"` // of a panic
	Args      json.RawMessage `json:"args,omitempty"`
	Result    json.RawMessage `json:"result,omitempty"`
	Progress  *Progress       `json:"progress,omitempty"`
	Key       string          `json:"key,omitempty"` // idempotency key of the request that asked for it
	Actor     string          `json:"actor,omitempty"`
	Instance  string          `json:"instance,omitempty"`
	QueuedAt  time.Time       `json:"queued_at"`
	NextAt    *time.Time      `json:"next_attempt_at,omitempty"` // a retry waits until then
	StartedAt *time.Time      `json:"started_at"`                // of the first attempt
	EndedAt   *time.Time      `json:"ended_at"`
	Duration  *int64          `json:"duration_ms"` // from StartedAt to EndedAt
	Cancel    *time.Time      `json:"cancel_requested_at,omitempty"`
	Overdue   bool            `json:"overdue,omitempty"` // still running past its timeout or cancellation

	TraceID string `json:"trace_id,omitempty"` // of a program that traces

	LogSeq    int64      `json:"-"` // of the last line kept; of events, those of an end have it
	Token     int64      `json:"-"` // the fence
	Group     string     `json:"-"` // concurrency group
	AttemptAt *time.Time `json:"-"` // start of the attempt that was started last; nil: StartedAt, if it was the first
}

// AttemptStarted returns when the attempt began that was started last; false: it is not known.
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

// Progress is how far a run says it has come.
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

// Causes of a failure, beside the reasons that a run may have.
const (
	CauseError   = "error"
	CausePanic   = "panic"
	CauseTimeout = "timeout"
)

// Cause says in one word why a run, or its last attempt, ended as it did: its reason, if it has one;
// of a failure whether an error, a panic or the timeout was behind it; empty for a success.
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
