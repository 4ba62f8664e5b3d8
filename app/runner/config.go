package runner

import (
	"context"
	"fibercrons/app/contract"
	"log/slog"
	"sync"
	"time"
)

// Config is what a [Runner] is made of. Every field is required unless it says otherwise.
type Config struct {
	Store    contract.Store
	Instance string // ID of this process
	Workers  int    // how many runs this process works on at one time
	Lease    time.Duration
	// MaxRunLog is how many bytes of log lines are kept with a run; below 0: none.
	MaxRunLog int
	// Executor takes runs through a queue. Optional.
	Executor contract.Executor
	// Limits counts the runs of groups where no store sees them all. Optional.
	Limits contract.Limits
	// Source has what is due and not claimed yet.
	Source Source
	// Lane returns a job's lane; nil: this process does not run the job.
	Lane func(job string) *Lane
	// Base is the context that those of all runs derive from.
	Base context.Context
	// Calls is the context of calls to the store. It ends last.
	Calls context.Context
	// Tasks counts what has to end before the process may.
	Tasks  *sync.WaitGroup
	Events *Events
	// TraceID names the trace of a run; empty: it has none.
	TraceID func(run string) string
	Log     *slog.Logger
}

// Source is where a worker without a run looks for one.
type Source interface {
	// Due says whether Pull may find something. It is called with a lock held, and calls nothing of the Runner's.
	Due() bool
	// Pull takes what is due for up to n workers out of the source. It returns how many workers it has use for, and the call
	// that claims it: that ends in one of [Runner.Accept] and [Runner.Release], and returns a run that the calling worker is
	// to begin, or nil. No call: there was nothing.
	Pull(n int) (claim func() *Run, used int)
}
