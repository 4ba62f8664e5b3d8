package cron

import "time"

// Skip is a value of both [OverlapPolicy] and [CrashPolicy], and the default of both.
const Skip = "skip"

// OverlapPolicy says what happens to a slot that is due while an earlier run of the same job,
// on any process, has not ended.
type OverlapPolicy string

// The overlap policies. [Skip] is the default: the slot is recorded as skipped.
const (
	Queue   OverlapPolicy = "queue"   // it waits its turn; at most [Policies].CatchUpCap wait
	Allow   OverlapPolicy = "allow"   // it runs beside the earlier one
	Replace OverlapPolicy = "replace" // the earlier one is cancelled, and it runs after that has ended
)

// CatchUpPolicy says what happens to slots that passed while nothing could run them: the
// process was down, the machine asleep, the database away, the clock moved forward.
type CatchUpPolicy string

// The catch-up policies. Whatever is not run is recorded as skipped.
const (
	Latest CatchUpPolicy = "latest" // the newest missed slot runs; the default
	All    CatchUpPolicy = "all"    // every missed slot runs, oldest first, up to the cap
	None   CatchUpPolicy = "none"   // none runs
)

// CrashPolicy says what happens to a run whose process died in the middle of an attempt.
type CrashPolicy string

// Rerun starts another attempt after a crash: at least once. [Skip], the default, records the
// run as interrupted: at most once.
const Rerun CrashPolicy = "rerun"

// Policies are the rules of one job, with every default filled in.
type Policies struct {
	Timeout     time.Duration // of one attempt; 0: none
	Retries     int           // attempts after the first one has failed
	Backoff     Backoff       // how long to wait before each of them
	RetryIf     func(error) bool
	Overlap     OverlapPolicy
	CatchUp     CatchUpPolicy
	CatchUpFor  time.Duration // missed slots older than this are not looked at
	CatchUpCap  int           // at most so many missed slots run, and so many queued runs wait
	StartWithin time.Duration // a run not started so long after its slot is skipped; 0: no deadline
	OnCrash     CrashPolicy
	MaxReruns   int           // how often Rerun starts a run again
	Group       string        // concurrency group; empty: none
	GroupLimit  int           // runs of the group at one time, on all processes
	KeepRuns    int           // ended runs kept in the history; 0: no limit by number
	KeepFor     time.Duration // how long ended runs are kept; 0: no limit by age
	Alerts      AlertPolicy   // when people are told
}

const (
	defaultCatchUpCap = 100
	defaultMaxReruns  = 3
)
