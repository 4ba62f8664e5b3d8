package row

// JobState is what is kept about a job besides its runs; one row per name ever registered.
// Active runs are not counted here: they are the rows of [JobRun] that have not ended.
type JobState struct {
	Name           string `gorm:"primaryKey"`
	Definition     string // schedule and zone when last registered
	Generation     int64  // of the version of the program that defined or removed it so
	FirstSeen      Millis // the job's history begins here
	Watermark      Millis // every slot up to here is settled
	RemovedAt      Millis // NULL: registered
	Paused         bool
	PausedAt       Millis
	PausedUntil    Millis // NULL: until resumed
	PausedBy       string
	PausedReason   string
	OverrideExpr   string // a schedule in place of the code's; empty: none
	OverrideZone   string
	OverrideBy     string
	OverrideAt     Millis // of the last change of it
	LastRun        Millis // start of the started run that ended last
	LastRunID      string // and its ID
	LastSlot       Millis // and its slot; NULL: by hand
	LastDurationMS int64  `gorm:"column:last_duration_ms"` // and how long it took
	LastStatus     string // of the run that ended last, skipped ones included
	LastError      string // and its error
	LastSuccess    Millis // end of the last run that succeeded
	OwnSuccess     Millis // the same without the runs of stored schedules
	Runs           int64  // started and ended
	Failures       int64  // of these, failed or interrupted
}

// TableName implements gorm's schema.Tabler.
func (JobState) TableName() string { return "job_state" }
