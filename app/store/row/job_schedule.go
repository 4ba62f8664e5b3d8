package row

import "database/sql"

// JobSchedule is a stored schedule of a job. For its slots it is what [JobState] is for those of the job's code.
type JobSchedule struct {
	ID           string         `gorm:"primaryKey"` // the user's
	Job          string         // by name; it need not be registered
	Expr         string         // its expression
	Zone         string         // of Expr; empty: the job's
	Args         sql.NullString // JSON
	FromAt       Millis         // no slot before it
	UntilAt      Millis         // no slot after it
	MaxRuns      int64          // slots that may run; 0: no limit
	Meta         sql.NullString // JSON object of texts, by key
	Paused       bool
	PausedAt     Millis
	PausedUntil  Millis // NULL: until resumed
	PausedBy     string
	PausedReason string
	Revision     int64  // grows with each change by a person or a program
	Watermark    Millis // every slot up to here is settled
	NextSlot     Millis // not after the first unsettled slot; NULL: there is nothing to do
	Runs         int64  // slots that were not skipped
	LastRun      Millis // start of the started run that ended last
	LastRunID    string // of the run that ended last, skipped ones included
	LastStatus   string // and its status
	LastSuccess  Millis // end of the last run that succeeded
	CreatedAt    Millis `gorm:"autoCreateTime:false"`
	UpdatedAt    Millis `gorm:"autoUpdateTime:false"` // of the last change by a person or a program
	UpdatedBy    string
}

// TableName implements gorm's schema.Tabler.
func (JobSchedule) TableName() string { return "job_schedules" }
