package row

import "database/sql"

// RunLog is one line that a run logged.
type RunLog struct {
	RunID   string `gorm:"primaryKey"`
	Seq     int64  `gorm:"primaryKey;autoIncrement:false"` // counts from 1 in each run
	At      Millis
	Attempt int
	Level   string
	Message string
	Attrs   sql.NullString // JSON object
}

// TableName implements gorm's schema.Tabler.
func (RunLog) TableName() string { return "job_run_logs" }
