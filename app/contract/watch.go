package contract

import (
	"context"
	"time"

	"fibercrons/app/cron"
)

// Watch is how the store tells what has changed, whichever process changed it.
type Watch interface {
	// Stamp returns a number that is larger after every commit of any process. A store that
	// cannot tell cheaply returns a larger number each time. Numbers of different Store values
	// have nothing to do with each other.
	Stamp(ctx context.Context) (int64, error)
	// Summarize returns where every active run stands, and every run that was inserted after the
	// mark. When these are more than limit, or cannot be told because the marked run is gone,
	// Missed says so, and they may be left out.
	Summarize(ctx context.Context, after Position, limit int) (Summary, error)
}

// Position is a place in the order in which runs were inserted. The zero Position is before the first.
type Position struct {
	Number int64
	ID     string // of the run with that number, in case the number is given away again
	Audit  int64  // ID of the audit entry written last
	// Gaps and AuditGaps are numbers before the mark that nothing was seen of yet: on some stores a
	// transaction takes its numbers before another's, and commits after it.
	Gaps, AuditGaps []Gap
}

// Gap is a number that was given away, perhaps to what has not been committed yet.
type Gap struct {
	Number int64
	Since  time.Time // when it was noticed
}

// Summary is what goes on, in few words, as of one moment.
type Summary struct {
	Newest Position
	Missed bool
	Runs   []RunSummary  // in no order
	Jobs   []JobSetting  // every job that is paused or whose schedule was ever overridden
	Told   []PauseChange // the pauses and resumes in the audit since the mark, oldest first
}

// PauseChange is a pause, or the end of one, as the audit has it. States tell what is; this tells what was
// between two looks at them.
type PauseChange struct {
	Job    string
	Paused bool
}

// RunSummary is where a run stands. Two that are equal tell the same.
type RunSummary struct {
	ID        string
	Status    cron.Status
	Attempt   int
	Cancelled bool   // its end was asked for
	LastLine  int64  // number of the last line kept; of active runs only
	Progress  string // differs when the progress does; of active runs only
}

// JobSetting is how a person has set a job.
type JobSetting struct {
	Job         string
	Paused      bool
	PausedAt    time.Time
	PausedUntil time.Time
	OverrideAt  time.Time
}

// PausedNow says whether the job's slots at now are to be skipped.
func (w JobSetting) PausedNow(now time.Time) bool {
	return State{Paused: w.Paused, PausedUntil: w.PausedUntil}.PausedNow(now)
}
