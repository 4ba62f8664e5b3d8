package contract

import (
	"context"
	"time"

	"fibercrons/app/cron"
)

// Watch tells what any process has changed in the store.
type Watch interface {
	// Stamp returns a number that increases with every commit of any process. A store that cannot detect commits
	// cheaply returns a larger number each time. Numbers of different Store values are not comparable.
	Stamp(ctx context.Context) (int64, error)
	// Summarize returns every active run and every run inserted after the mark. If there are more than limit, or the
	// marked run is gone, Missed is set and these may be omitted.
	Summarize(ctx context.Context, after Position, limit int) (Summary, error)
}

// Position is a place in the insertion order of runs. The zero Position is before the first.
type Position struct {
	Number int64
	ID     string // of the run with that number, because a number may be reused
	Audit  int64  // ID of the newest audit entry
	// Gaps and AuditGaps are numbers before the mark that have no row yet: on some databases a transaction may take a
	// lower number and commit later.
	Gaps, AuditGaps []Gap
}

// SoonDue is how early a deferred run is in [Summary].Soon. It may start and end between two summaries, and its row is
// not new then.
const SoonDue = 5 * time.Second

// Gap is an assigned number that may not be committed yet.
type Gap struct {
	Number int64
	Since  time.Time // when it was noticed
}

// Summary is the state of runs and jobs at one moment.
type Summary struct {
	Newest Position
	Missed bool
	Runs   []RunSummary  // in no order
	Jobs   []JobSetting  // every job that is paused or was ever rescheduled
	Told   []PauseChange // the pauses and resumes in the audit log since the mark, oldest first
	// Cancelled are the runs whose cancellation was written to the audit log since the mark.
	Cancelled []string
	// Soon are the deferred runs whose time is past or within [SoonDue]; NextDue is the time of the first further one, or
	// zero.
	Soon    []string
	NextDue time.Time
}

// PauseChange is a pause or resume in the audit log. It shows changes between two polls that the states do not.
type PauseChange struct {
	Job    string
	Paused bool
}

// RunSummary is the state of a run. Equal values mean no change.
type RunSummary struct {
	ID        string
	Status    cron.Status
	Attempt   int
	Cancelled bool   // cancel was requested
	Deferred  bool   // it waits for its time
	LastLine  int64  // number of the last log line; of active runs only
	Progress  string // changes with the progress; of active runs only
}

// JobSetting is a job's pause and override.
type JobSetting struct {
	Job         string
	Paused      bool
	PausedAt    time.Time
	PausedUntil time.Time
	OverrideAt  time.Time
}

// PausedNow reports whether the job's slots at now are skipped.
func (w JobSetting) PausedNow(now time.Time) bool {
	return State{Paused: w.Paused, PausedUntil: w.PausedUntil}.PausedNow(now)
}
