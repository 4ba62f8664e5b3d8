package alert

import (
	"time"

	"github.com/google/uuid"

	"fibercrons/app/cron"
)

// Status is the state of an alert or a delivery.
type Status string

// An alert is pending until it was sent through every channel. It is then sent, or failed if a channel could not
// deliver it in time. A silenced alert is silenced from the start. A delivery is never silenced.
const (
	Pending  Status = "pending"
	Sent     Status = "sent"
	Failed   Status = "failed"
	Silenced Status = "silenced"
)

// Alert is an alert about a job or one of its stored schedules, as stored and shown.
type Alert struct {
	ID         string         `json:"id"`
	Job        string         `json:"job"`
	Schedule   string         `json:"schedule,omitempty"` // ID of the stored schedule; empty: the job's own and manual runs
	Kind       cron.AlertKind `json:"kind"`
	Status     Status         `json:"status"`
	Run        string         `json:"run,omitempty"`    // ID of its run
	Slot       *time.Time     `json:"slot,omitempty"`   // of that run
	At         time.Time      `json:"at"`               // when it happened
	RaisedAt   time.Time      `json:"raised_at"`        // when it was noticed
	Detail     string         `json:"detail"`           // what happened, in a sentence
	Error      string         `json:"error,omitempty"`  // of the run
	Number     int            `json:"number,omitempty"` // consecutive failures, or missed slots
	Others     int            `json:"others,omitempty"` // if not 0: it is about so many further schedules of the job, which have no alerts of their own
	Open       bool           `json:"open"`             // while open, it is not raised again
	Silence    string         `json:"silence,omitempty"`
	Message    string         `json:"message,omitempty"` // ID of its message
	Deliveries []Delivery     `json:"deliveries"`

	// Dedup identifies the subject: an alert is raised once for each.
	Dedup string `json:"-"`
}

// Delivery is a message to be sent through one channel.
type Delivery struct {
	ID        string     `json:"id"` // for deduplication by the receiver
	Channel   string     `json:"channel"`
	Status    Status     `json:"status"`
	Attempts  int        `json:"attempts"`
	NextAt    *time.Time `json:"next_attempt_at,omitempty"`
	SentAt    *time.Time `json:"sent_at,omitempty"`
	Error     string     `json:"error,omitempty"` // of the last attempt
	CreatedAt time.Time  `json:"created_at"`

	Message string                 `json:"-"`
	Token   int64                  `json:"-"` // fencing token of the lease
	Total   int                    `json:"-"` // alerts in the message
	Kinds   map[cron.AlertKind]int `json:"-"` // only in a leased delivery
	Alerts  []Alert                `json:"-"` // the first of them
	Groups  []Group                `json:"-"` // those about stored schedules
}

// Group is the alerts of a message that are of one kind and about the stored schedules of one job.
type Group struct {
	Job       string         `json:"job"`
	Kind      cron.AlertKind `json:"kind"`
	Total     int            `json:"total"`     // schedules
	Schedules []string       `json:"schedules"` // the first of them
	At        time.Time      `json:"at"`        // of the first
	Error     string         `json:"error,omitempty"`

	Alerts int `json:"-"` // how many alerts it stands for
}

// Subject is the job, and the stored schedule if there is one, for people.
func (a *Alert) Subject() string {
	if a.Schedule == "" {
		return a.Job
	}
	return a.Job + " (" + a.Schedule + ")"
}

// Silence suppresses the alerts of a job until then. They are still recorded.
type Silence struct {
	ID        string     `json:"id"`
	Job       string     `json:"job"` // empty: all jobs
	Until     time.Time  `json:"until"`
	Reason    string     `json:"reason"`
	By        string     `json:"by"`
	CreatedAt time.Time  `json:"created_at"`
	EndedAt   *time.Time `json:"ended_at,omitempty"` // ended early
	EndedBy   string     `json:"ended_by,omitempty"`
}

// Covers reports whether the silence applies to the job at now.
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
