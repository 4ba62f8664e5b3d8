package row

// Alert is something about a job that people are to be told. It is in a message, alone or with
// others, once that was put together.
type Alert struct {
	ID       string `gorm:"primaryKey"` // UUIDv7
	Job      string
	Schedule string  // ID of the stored schedule; empty: none
	Kind     string  // failed, late, missed, overdue or recovered
	Dedup    string  // unique: kind, job and what it is about, so that it is raised once
	OpenKey  *string // unique: kind, job and schedule, while a second such alert would say the same
	RunID    string
	Slot     Millis
	At       Millis // when it happened
	RaisedAt Millis // when it was noticed
	Status   string // pending, sent, failed or silenced
	Message  string // of which it is a part; empty: not yet
	Silence  string // ID of what keeps it from being sent
	Detail   string
	Error    string
	Number   int // failures in a row, or slots missed
	Others   int // if not 0: it is about so many schedules of the job, which have no alerts of their own
}

// TableName implements gorm's schema.Tabler.
func (Alert) TableName() string { return "job_alerts" }

// AlertDelivery is a message on its way through one channel.
type AlertDelivery struct {
	ID         string `gorm:"primaryKey"` // UUIDv7; the receiver's key against doubles
	Message    string // unique with Channel
	Channel    string
	Status     string // pending, sent or failed
	Alerts     int    // how many it tells of
	Attempts   int
	CreatedAt  Millis `gorm:"autoCreateTime:false"`
	NextAt     int64  // UTC milliseconds; not tried before
	LeaseUntil int64  // UTC milliseconds; until then a process is trying
	Token      int64  // the fence of that process
	SentAt     Millis
	Error      string // of the last try
}

// TableName implements gorm's schema.Tabler.
func (AlertDelivery) TableName() string { return "job_alert_deliveries" }
