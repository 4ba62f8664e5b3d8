package contract

import "time"

// Stats is the state of this process's scheduler. It costs no query.
type Stats struct {
	Workers int // maximum of concurrent functions
	Busy    int // workers with a run
	Running int // runs whose function is executing
	Waiting int // waiting runs (for a worker, turn, group or next attempt), and jobs with an unclaimed slot
	Overdue int // runs past their timeout or cancel request
	// TickedAt is the last tick; zero: the clock is off or has not started.
	TickedAt time.Time
	Jobs     []JobStats
}

// JobStats is a job's position in its schedule.
type JobStats struct {
	Name    string
	Enabled bool          // the job runs in this environment and the clock is on
	Next    time.Time     // first unsettled slot; zero: none, or the clock is off
	Gap     time.Duration // longest between the next slots; 0: fewer than two
}
