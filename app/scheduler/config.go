package scheduler

import (
	"context"
	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"log/slog"
	"time"
)

// Config is what a [Scheduler] is made of.
type Config struct {
	// Store keeps states and runs. Required.
	Store contract.Store
	// Jobs are what [cron.Registry.Jobs] returned.
	Jobs []*cron.Job
	// Workers is how many functions this process calls at one time. Optional. Default: 64.
	Workers int
	// Lease is how long a run outlives the last heartbeat of its process. There is one every third of it. Optional.
	// Default: 30 s.
	Lease time.Duration
	// Grace is how long running functions are waited for at the end. Optional. Default: 0, they are cancelled at once.
	Grace time.Duration
	// MaxRunLog is how many bytes of log lines are kept with a run; below 0: none. Optional.
	// Default: 256 KiB.
	MaxRunLog int
	// Executor takes claimed runs through a queue. Optional. Default: none, the process that claimed a
	// run makes its attempts.
	Executor contract.Executor
	// Role is what this process does of the work that Executor shares out; without one it has no
	// meaning. Optional. Default: both, it claims and works.
	Role contract.Role
	// Disabled leaves the clock off: nothing is due, and nothing that was begins here, but runs by hand
	// work, and what dead processes left behind is settled.
	Disabled bool
	// Peers is how this process meets others beside the store. Optional.
	Peers contract.Peers
	// Context adds what every run's context is to carry. Optional.
	Context func(context.Context) context.Context
	// Observe is called with every event, in order, and must not block. Optional.
	Observe func(contract.Event)
	// Claimed is called after every call that claims slots or runs, and must not block. Optional.
	Claimed func(contract.ClaimCall)
	// TraceID names the trace of a run, for its record and its log lines. Optional.
	TraceID func(run string) string
	// Asked is called before a run is claimed that a caller asks for, with the caller's context.
	// Optional.
	Asked func(ctx context.Context, run string)
	// Log is the program's log. Optional. Default: slog.Default().
	Log *slog.Logger
	// Version of the program, shown among the instances. Optional.
	Version string
}
