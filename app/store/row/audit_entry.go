package row

import "database/sql"

// AuditEntry is one change that a person or a program made.
type AuditEntry struct {
	ID        int64 `gorm:"primaryKey"`
	At        Millis
	Actor     string
	Action    string         // run, pause, resume, cancel, retry, backfill, schedule, ...
	Target    string         // a job's name or a run's ID
	Before    sql.NullString // JSON
	After     sql.NullString // JSON
	Origin    string         // address it came from, or "cli"
	RequestID string
}

// TableName implements gorm's schema.Tabler.
func (AuditEntry) TableName() string { return "job_audit" }
