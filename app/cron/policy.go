package cron

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"fibercrons/app/internal/texts"
)

// Skip is a value of both [OverlapPolicy] and [CrashPolicy], and the default of both.
const Skip = "skip"

// OverlapPolicy decides about a slot that is due while an earlier run of the same job is active in any process.
type OverlapPolicy string

// The overlap policies. [Skip] is the default: the slot is recorded as skipped.
const (
	Queue   OverlapPolicy = "queue"   // it waits for its turn; at most [Policies].CatchUpCap wait
	Allow   OverlapPolicy = "allow"   // it runs concurrently
	Replace OverlapPolicy = "replace" // the earlier run is cancelled, and the slot runs after its end
)

// CatchUpPolicy decides about misfires: slots that passed while the process was down, the machine asleep, the database
// away or the clock moved forward.
type CatchUpPolicy string

// The catch-up policies. Slots that do not run are recorded as skipped.
const (
	Latest CatchUpPolicy = "latest" // the newest missed slot runs; the default
	All    CatchUpPolicy = "all"    // every missed slot runs, oldest first, up to the cap
	None   CatchUpPolicy = "none"   // none runs
)

// CrashPolicy decides about a run whose process died during an attempt.
type CrashPolicy string

// Rerun makes another attempt after a crash: at least once. [Skip], the default, records the run as interrupted: at
// most once.
const Rerun CrashPolicy = "rerun"

// Policies are the policies of one job, with every default filled in.
type Policies struct {
	Timeout     time.Duration // of one attempt; 0: none
	Retries     int           // attempts after the first
	Backoff     Backoff       // delay before each retry
	RetryIf     func(error) bool
	Overlap     OverlapPolicy
	CatchUp     CatchUpPolicy
	CatchUpFor  time.Duration // missed slots older than this are not caught up
	CatchUpCap  int           // maximum number of missed slots to run, and of waiting runs
	StartWithin time.Duration // a run not started within this time of its slot is skipped; 0: no deadline
	OnCrash     CrashPolicy
	MaxReruns   int           // maximum number of reruns
	Group       string        // concurrency group; empty: none
	GroupLimit  int           // concurrent runs of the group, across all processes
	KeepRuns    int           // ended runs kept in the history; 0: no limit by number
	KeepFor     time.Duration // how long ended runs are kept; 0: no limit by age
	Alerts      AlertPolicy   // the job's alerts
}

const (
	defaultCatchUpCap = 100
	defaultMaxReruns  = 3
)

// Defaults are the properties of a job that does not set its own.
type Defaults struct {
	Zone          *time.Location // of expressions; nil: UTC
	Env           string         // APP_ENV, for [Only]
	Timeout       time.Duration
	Retries       int
	RetryDelay    time.Duration // 0: 1 s
	MaxRetryDelay time.Duration // 0: 5 min
	CatchUpWindow time.Duration // 0: nothing is caught up
	KeepRuns      int
	KeepFor       time.Duration
	Use           []Middleware // wrappers of all jobs, outside of those of [Registry.Use]
	Alerts        AlertPolicy
}

func (d Defaults) withFallbacks() Defaults {
	if d.Zone == nil {
		d.Zone = time.UTC
	}
	if d.RetryDelay <= 0 {
		d.RetryDelay = time.Second
	}
	if d.MaxRetryDelay <= 0 {
		d.MaxRetryDelay = 5 * time.Minute
	}
	return d
}

// Backoff is the delay before each retry. The zero Backoff is the default: exponential from CRON_DEFAULT_RETRY_DELAY up
// to CRON_MAX_RETRY_DELAY.
type Backoff struct {
	first, most time.Duration
	factor      float64
}

// Fixed waits d before each attempt.
func Fixed(d time.Duration) Backoff { return Backoff{first: d, most: d, factor: 1} }

// Exponential waits first, then twice as long each time, up to CRON_MAX_RETRY_DELAY. Each delay varies by up to a
// fifth, so that jobs that failed together do not retry together.
func Exponential(first time.Duration) Backoff { return Backoff{first: first, factor: 2} }

func (b Backoff) orElse(d Defaults) Backoff {
	if b.factor == 0 {
		b = Exponential(d.RetryDelay)
	}
	if b.most == 0 {
		b.most = max(d.MaxRetryDelay, b.first)
	}
	return b
}

func (b Backoff) check() error {
	switch {
	case b.first < 0:
		return fmt.Errorf("backoff %s is negative", b.first)
	case b.factor > 1 && b.first == 0:
		return errors.New("an exponential backoff cannot begin with 0s; use Fixed(0) to retry at once")
	}
	return nil
}

// Delay returns the delay before the n-th retry, n from 1. jitter is a random number from 0 to 1. A delay above the
// maximum is varied below it.
func (b Backoff) Delay(n int, jitter float64) time.Duration {
	if b.factor <= 1 {
		return max(b.first, 0)
	}
	const spread = 0.2
	longest := float64(b.first) * math.Pow(b.factor, float64(n-1)) * (1 + spread)
	if b.most > 0 {
		longest = min(longest, float64(b.most))
	}
	d := longest * (1 - spread + 2*spread*jitter) / (1 + spread)
	if d >= math.MaxInt64 {
		return math.MaxInt64
	}
	return time.Duration(d)
}

func (b Backoff) String() string {
	switch {
	case b.factor <= 1 && b.first <= 0:
		return "at once"
	case b.factor <= 1:
		return "every " + b.first.String()
	case b.most <= 0:
		return fmt.Sprintf("%s, doubling", b.first)
	}
	return fmt.Sprintf("%s, doubling, up to %s", b.first, b.most)
}

// AlertKind is the subject of an alert.
type AlertKind string

// The kinds of alerts.
const (
	AlertFailed    AlertKind = "failed"    // a run failed after its last retry, or was interrupted; once until the job succeeds again
	AlertRecovered AlertKind = "recovered" // the job succeeded after an alert that it had failed
	AlertLate      AlertKind = "late"      // a run did not start in time after its slot
	AlertMissed    AlertKind = "missed"    // a slot was skipped because nothing could run it
	AlertOverdue   AlertKind = "overdue"   // a run takes too long
)

// AlertKinds are all kinds.
var AlertKinds = []AlertKind{AlertFailed, AlertRecovered, AlertLate, AlertMissed, AlertOverdue}

// AlertPolicy says which alerts a job has. The zero AlertPolicy has none.
type AlertPolicy struct {
	Failed        int // failures in a row before an alert; 0: no alert
	Recovered     bool
	Late          time.Duration // after the slot; 0: no alert
	Missed        bool
	Overdue       time.Duration // since the run's first start; 0: no fixed limit
	OverdueFactor float64       // times the job's p95; 0: no such limit

	ignoreUnheeding bool // NoAlerts also turned off alerts about runs that ignore the end of their context
}

// Unheeding reports whether an overdue alert is raised for a run that continues although its context has ended by
// timeout or cancellation. Such a run has not returned, so it cannot be recorded as failed.
func (p AlertPolicy) Unheeding() bool {
	return !p.ignoreUnheeding && (p.Failed > 0 || p.Overdue > 0 || p.OverdueFactor > 0)
}

// Lines describe the policy in words; empty if there are no alerts.
func (p AlertPolicy) Lines() []string {
	lines := []string{}
	switch {
	case p.Failed == 1:
		lines = append(lines, "failed")
	case p.Failed > 1:
		lines = append(lines, "failed "+strconv.Itoa(p.Failed)+" times in a row")
	}
	if p.Recovered {
		lines = append(lines, "recovered")
	}
	if p.Late > 0 {
		lines = append(lines, "not started "+texts.Duration(p.Late)+" after its slot")
	}
	if p.Missed {
		lines = append(lines, "missed")
	}
	var longer []string
	if p.Overdue > 0 {
		longer = append(longer, texts.Duration(p.Overdue))
	}
	if p.OverdueFactor > 0 {
		longer = append(longer, fmt.Sprintf("%g times its p95", p.OverdueFactor))
	}
	if len(longer) > 0 {
		lines = append(lines, "running longer than "+strings.Join(longer, " or "))
	}
	return lines
}

// alertRules are the rules as written.
type alertRules struct {
	said []string // the rules and kinds named, to find contradictions
	set  []func(*AlertPolicy)
}

// over returns p with the job's rules applied, and reports contradictions.
func (r *alertRules) over(p AlertPolicy, keepRuns int, say func(string, ...any)) AlertPolicy {
	if slices.Contains(r.said, "everything") && len(r.said) > 1 {
		say("NoAlerts() contradicts the other alert rules; keep one or the other")
	}
	if slices.Contains(r.said, "overdue") && !slices.Contains(r.said, "the overdue factor") {
		p.OverdueFactor = 0
	}
	if slices.Contains(r.said, "the overdue factor") && !slices.Contains(r.said, "overdue") {
		p.Overdue = 0
	}
	for _, set := range r.set {
		set(&p)
	}
	if p.Recovered && p.Failed == 0 {
		if slices.Contains(r.said, "recovered") {
			say("an alert about recovery needs one about failure: add OnFailed(1)")
		}
		p.Recovered = false
	}
	if keepRuns > 0 && p.Failed > keepRuns {
		say("an alert after %d failures needs a history of as many runs; Keep holds %d", p.Failed, keepRuns)
	}
	return p
}
