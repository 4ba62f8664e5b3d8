package contract

import (
	"encoding/json"
	"time"

	"fibercrons/app/cron"
	"fibercrons/app/plan"
)

// State is what is kept about a job besides its runs. The zero State is that of a job that
// has never been seen.
type State struct {
	Name           string
	Definition     string    // schedule and zone when last registered; a change starts the watermark anew
	FirstSeen      time.Time // the job's history begins here
	Watermark      time.Time // every slot up to here is settled
	RemovedAt      time.Time // zero: registered
	Paused         bool
	PausedAt       time.Time
	PausedUntil    time.Time // zero: until resumed
	PausedBy       string
	PausedReason   string
	Override       plan.Override // of the schedule; its At is zero: there never was one
	LastRun        time.Time     // start of the run that ended last; zero: none ever
	LastRunID      string
	LastSlot       time.Time
	LastStatus     cron.Status // of the run that ended last, skipped ones included
	LastError      string
	LastDurationMS int64
	LastSuccess    time.Time
	Runs           int64 // runs that were started and have ended
	Failures       int64 // of these, the ones that failed or were interrupted
	Active         int   // queued or running now
	// Superseded is told by Sync alone: a newer version has the job otherwise, or no more.
	Superseded bool
}

// PausedNow says whether slots at now are to be skipped.
func (s State) PausedNow(now time.Time) bool {
	return s.Paused && (s.PausedUntil.IsZero() || now.Before(s.PausedUntil))
}

// AuditEntry is one change that a person or a program made.
type AuditEntry struct {
	ID        int64           `json:"id"`
	At        time.Time       `json:"at"`
	Actor     string          `json:"actor"`
	Action    string          `json:"action"` // run, pause, resume, cancel, ...
	Target    string          `json:"target"` // a job's name or a run's ID
	Before    json.RawMessage `json:"before,omitempty"`
	After     json.RawMessage `json:"after,omitempty"`
	Origin    string          `json:"origin"` // address it came from, or "cli"
	RequestID string          `json:"request_id,omitempty"`
}

// Caller is who asks for a change.
type Caller struct {
	Actor     string // a role or a user
	Origin    string // where he is: an address, or "cli@host"
	RequestID string // under which the program's log has more of it; empty: nowhere
}

// JobStatus is where a job stands.
type JobStatus string

// A job is disabled when it does not run in this environment or the scheduler is switched
// off, paused until it is resumed, running while a run of it is active on any process, and
// otherwise scheduled.
const (
	JobScheduled JobStatus = "scheduled"
	JobRunning   JobStatus = "running"
	JobPaused    JobStatus = "paused"
	JobDisabled  JobStatus = "disabled"
)

// TimelineRun is a run on a timeline.
type TimelineRun struct {
	ID        string      `json:"id"`
	Job       string      `json:"job"`
	Status    cron.Status `json:"status"`
	Reason    cron.Reason `json:"reason,omitempty"`
	Slot      *time.Time  `json:"slot"`
	StartedAt *time.Time  `json:"started_at"`
	EndedAt   *time.Time  `json:"ended_at"`
}
