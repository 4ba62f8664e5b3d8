package row

// Instance is one process that has run the scheduler, from its first sign of life on.
type Instance struct {
	ID        string `gorm:"primaryKey"` // fresh at each boot
	Host      string
	PID       int `gorm:"column:pid"`
	Version   string
	TZData    string `gorm:"column:tzdata"` // the release of its time-zone data
	Parts     string // what it is built with, separated by blanks
	StartedAt Millis
	SeenAt    Millis // its last sign of life
	StoppedAt Millis // NULL: it has not said goodbye
	// Generation of its version of the program; 0: it has not told its jobs.
	Generation int64 `gorm:"<-:create"`
}

// TableName implements gorm's schema.Tabler.
func (Instance) TableName() string { return "job_instances" }
