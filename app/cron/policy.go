package cron

import "time"

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
