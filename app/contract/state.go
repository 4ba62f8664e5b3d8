package contract

import (
	"encoding/json"
	"time"

	"fibercrons/app/cron"
	"fibercrons/app/plan"
)

// State is what the store keeps about a job besides its runs. The zero State is that of a job never seen.
type State struct {
	Name           string
	Definition     string    // schedule and zone when last registered; a change restarts the watermark at now
	FirstSeen      time.Time // start of the job's history
	Watermark      time.Time // every slot up to here is settled
	RemovedAt      time.Time // zero: registered
	Paused         bool
	PausedAt       time.Time
	PausedUntil    time.Time // zero: until resumed
	PausedBy       string
	PausedReason   string
	Override       plan.Override // of the schedule; its At is zero: there was never one
	LastRun        time.Time     // start of the run that ended last; zero: none
	LastRunID      string
	LastSlot       time.Time
	LastStatus     cron.Status // of the run that ended last, also if skipped
	LastError      string
	LastDurationMS int64
	LastSuccess    time.Time
	Runs           int64 // started runs that have ended
	Failures       int64 // of these, failures, including interrupted runs
	Active         int   // queued or running now
	// Superseded is set only by Sync: a newer version has changed or removed the job.
	Superseded bool
}

// PausedNow reports whether slots at now are skipped.
func (s State) PausedNow(now time.Time) bool {
	return s.Paused && (s.PausedUntil.IsZero() || now.Before(s.PausedUntil))
}

// AuditEntry is one change by a person or a program.
type AuditEntry struct {
	ID        int64           `json:"id"`
	At        time.Time       `json:"at"`
	Actor     string          `json:"actor"`
	Action    string          `json:"action"` // run, pause, resume, cancel, ...
	Target    string          `json:"target"` // a job's name or a run's ID
	Before    json.RawMessage `json:"before,omitempty"`
	After     json.RawMessage `json:"after,omitempty"`
	Origin    string          `json:"origin"` // address of the caller, or "cli"
	RequestID string          `json:"request_id,omitempty"`
}

// Caller is the author of a change.
type Caller struct {
	Actor     string // a role or a user
	Origin    string // an address, or "cli@host"
	RequestID string // the request in the program's log; empty: none
}

// JobStatus is the status of a job.
type JobStatus string

// A job is disabled if it does not run in this environment or the scheduler is switched off, paused until it is
// resumed, running while any process has an active run of it, and otherwise scheduled.
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
