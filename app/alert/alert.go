package alert

import (
	"time"

	"github.com/google/uuid"

	"fibercrons/app/cron"
)

// Status is where an alert or a delivery stands.
type Status string

// An alert is pending until it has reached every channel, then sent, or failed when one of them
// could not be reached in time; or it is silenced from the beginning. A delivery is never silenced.
const (
	Pending  Status = "pending"
	Sent     Status = "sent"
	Failed   Status = "failed"
	Silenced Status = "silenced"
)

// Alert is something that people are to be told about a job, as it is kept and shown.
type Alert struct {
	ID         string         `json:"id"`
	Job        string         `json:"job"`
	Kind       cron.AlertKind `json:"kind"`
	Status     Status         `json:"status"`
	Run        string         `json:"run,omitempty"`    // ID of the run that it is about
	Slot       *time.Time     `json:"slot,omitempty"`   // of that run
	At         time.Time      `json:"at"`               // when it happened
	RaisedAt   time.Time      `json:"raised_at"`        // when it was noticed
	Detail     string         `json:"detail"`           // what happened, in a sentence
	Error      string         `json:"error,omitempty"`  // of the run
	Number     int            `json:"number,omitempty"` // failures in a row, or slots missed
	Open       bool           `json:"open"`             // while it is, the same is not said again
	Silence    string         `json:"silence,omitempty"`
	Message    string         `json:"message,omitempty"` // of which it is a part
	Deliveries []Delivery     `json:"deliveries"`

	// Dedup names what it is about: an alert is raised once for each.
	Dedup string `json:"-"`
}

// Delivery is a message on its way through one channel.
type Delivery struct {
	ID        string     `json:"id"` // the receiver's key against doubles
	Channel   string     `json:"channel"`
	Status    Status     `json:"status"`
	Attempts  int        `json:"attempts"`
	NextAt    *time.Time `json:"next_attempt_at,omitempty"`
	SentAt    *time.Time `json:"sent_at,omitempty"`
	Error     string     `json:"error,omitempty"` // of the last try
	CreatedAt time.Time  `json:"created_at"`

	Message string                 `json:"-"`
	Token   int64                  `json:"-"` // the fence of who tries
	Total   int                    `json:"-"` // alerts in the message
	Kinds   map[cron.AlertKind]int `json:"-"` // of a delivery that was taken
	Alerts  []Alert                `json:"-"` // the first of them
}

// Silence keeps the alerts of a job from being sent until then. They are recorded all the same.
type Silence struct {
	ID        string     `json:"id"`
	Job       string     `json:"job"` // empty: all jobs
	Until     time.Time  `json:"until"`
	Reason    string     `json:"reason"`
	By        string     `json:"by"`
	CreatedAt time.Time  `json:"created_at"`
	EndedAt   *time.Time `json:"ended_at,omitempty"` // lifted before its time
	EndedBy   string     `json:"ended_by,omitempty"`
}

// Covers says whether the silence is for the job, at now.
func (s Silence) Covers(job string, now time.Time) bool {
	return (s.Job == "" || s.Job == job) && s.EndedAt == nil && now.Before(s.Until)
}

// Query selects alerts. The zero Query is all of them.
type Query struct {
	Job    string
	Status Status
	Limit  int // 0: 50
	Offset int
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }
