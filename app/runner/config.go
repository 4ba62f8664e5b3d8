package runner

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"fibercrons/app/contract"
)

// Config is the parts of a [Runner]. Every field is required unless it says otherwise.
type Config struct {
	Store    contract.Store
	Instance string // ID of this process
	Workers  int    // maximum of concurrent runs
	Lease    time.Duration
	// MaxRunLog is the maximum of log bytes kept with a run; negative: none.
	MaxRunLog int
	// Executor is the queue for runs. Optional.
	Executor contract.Executor
	// Limits counts the runs of groups across separate stores. Optional.
	Limits contract.Limits
	// Source has the due slots that are not claimed yet.
	Source Source
	// Lane returns the lane of a job, or of a stored schedule of it; nil: this process does not run the job.
	Lane func(job, schedule string) *Lane
	// Base is the parent context of all runs.
	Base context.Context
	// Calls is the context of store calls. It ends last.
	Calls context.Context
	// Tasks counts the goroutines that must end before the process.
	Tasks  *sync.WaitGroup
	Events *Events
	// TraceID returns the trace of a run; empty: none.
	TraceID func(run string) string
	Log     *slog.Logger
}

// Source offers due slots to a free worker. Both methods are called with the state's lock held, and do not call the
// Runner.
type Source interface {
	// Due reports whether Pull may return a claim.
	Due() bool
	// Pull removes what is due for up to n workers. It returns the call that claims it, and how many workers that uses.
	// The call ends in [Runner.Accept] or [Runner.Release] and returns a run for the calling worker, or nil. A nil
	// claim: nothing is due.
	Pull(n int) (claim func() *Run, used int)
}
