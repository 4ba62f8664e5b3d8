package row

// Silence keeps the alerts of a job from being sent for a time.
type Silence struct {
	ID        string `gorm:"primaryKey"` // UUIDv7
	Job       string // empty: of all jobs
	UntilAt   Millis
	Reason    string
	Actor     string
	CreatedAt Millis `gorm:"autoCreateTime:false"`
	EndedAt   Millis // lifted before its time; NULL: it was not
	EndedBy   string
}

// TableName implements gorm's schema.Tabler.
func (Silence) TableName() string { return "job_silences" }
