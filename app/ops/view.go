package ops

import (
	"encoding/json"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

// JobView is a job in a list over HTTP and in the CLI. Instants are UTC; null is never.
type JobView struct {
	Name           string             `json:"name"`
	Expr           string             `json:"expr"`
	Schedules      []string           `json:"schedules"`
	Timezone       string             `json:"timezone"`
	Description    string             `json:"description"` // the author's, or the schedule in plain English
	Tags           []string           `json:"tags"`
	Metadata       map[string]string  `json:"metadata"`
	Status         contract.JobStatus `json:"status"`
	Paused         bool               `json:"paused"`
	LastRun        *time.Time         `json:"last_run"`
	NextRun        *time.Time         `json:"next_run"`
	LastStatus     *cron.Status       `json:"last_status"`
	LastError      *string            `json:"last_error"`
	LastDurationMS *int64             `json:"last_duration_ms"`
	Runs           int64              `json:"runs"`
	Failures       int64              `json:"failures"`
}

// JobDetail is everything known about a job.
type JobDetail struct {
	JobView
	ScheduleText string          `json:"schedule_text"` // plain English
	NextSlots    []time.Time     `json:"next_slots"`    // the next ten
	Notes        []string        `json:"notes"`         // daylight-saving changes that affect them
	Policies     PolicyView      `json:"policies"`
	Stats        Stats           `json:"statistics"`
	Pause        *PauseView      `json:"pause"`
	Ping         *PingView       `json:"ping"`
	Override     *OverrideView   `json:"schedule_override"`
	Args         json.RawMessage `json:"args_defaults,omitempty"`
	ArgsSchema   json.RawMessage `json:"args_schema,omitempty"`
	Source       string          `json:"source"`
	Disabled     string          `json:"disabled_reason,omitempty"`
	FirstSeen    *time.Time      `json:"first_seen"`
}

// PolicyView is [cron.Policies] with durations in Go's notation.
type PolicyView struct {
	Timeout       string `json:"timeout"`
	Retries       int    `json:"retries"`
	Backoff       string `json:"backoff"`
	Overlap       string `json:"overlap"`
	CatchUp       string `json:"catch_up"`
	CatchUpWindow string `json:"catch_up_window"`
	CatchUpCap    int    `json:"catch_up_cap"`
	StartWithin   string `json:"start_within"`
	OnCrash       string `json:"on_crash"`
	Group         string `json:"group,omitempty"`
	GroupLimit    int    `json:"group_limit,omitempty"`
	KeepRuns      int    `json:"keep_runs"`
	KeepFor       string `json:"keep_for"`
	// Alerts describe the alert policy in words.
	Alerts []string `json:"alerts"`
}

// PauseView is an active pause.
type PauseView struct {
	At     time.Time  `json:"at"`
	Until  *time.Time `json:"until"`
	Reason string     `json:"reason"`
	By     string     `json:"by"`
}

// OverrideView is an active schedule override.
type OverrideView struct {
	Expr string    `json:"expr"`
	By   string    `json:"by"`
	At   time.Time `json:"at"`
	Code []string  `json:"code"` // the schedules it replaces
}

// Stats summarizes the newest runs of a job (at most 100 that were started).
type Stats struct {
	Sample      int        `json:"sample"`
	Succeeded   int        `json:"succeeded"`
	Failed      int        `json:"failed"`
	SuccessRate *float64   `json:"success_rate"` // 0 to 1
	P50MS       *int64     `json:"p50_ms"`
	P95MS       *int64     `json:"p95_ms"`
	LastSuccess *time.Time `json:"last_success"`
}

// Filter selects jobs. The zero Filter selects all.
type Filter struct {
	Tag    string
	Status contract.JobStatus
	Search string // in name, description, tags; any case
}

// PingView is the part of a [cron.PingTarget] that may be shown.
type PingView struct {
	Host string        `json:"host"`
	Form cron.PingForm `json:"form"`
}

func pingView(p *cron.PingTarget) *PingView {
	if p == nil {
		return nil
	}
	return &PingView{Host: p.Host, Form: p.Form}
}
