package scheduler

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/runner"
)

// Config configures a [Scheduler].
type Config struct {
	// Store keeps states and runs. Required.
	Store contract.Store
	// Jobs are what [cron.Registry.Jobs] returned.
	Jobs []*cron.Job
	// Workers is the maximum of concurrent functions in this process. Optional. Default: 64.
	Workers int
	// Lease is how long a process keeps its runs after its last heartbeat. Heartbeats are sent every third of it.
	// Optional. Default: 30 s.
	Lease time.Duration
	// Grace is how long shutdown waits for running functions. Optional. Default: 0, they are cancelled at once.
	Grace time.Duration
	// MaxRunLog is the maximum of log bytes kept with a run; negative: none. Optional. Default: 256 KiB.
	MaxRunLog int
	// Executor is the queue for claimed runs. Optional. Default: none, the claiming process makes the attempts.
	Executor contract.Executor
	// Role is the part of the work that this process does with an Executor; without one it is ignored. Optional.
	// Default: it claims and works.
	Role contract.Role
	// Disabled turns the clock off: no slot is due and no queued slot begins here. Manual runs work, and runs of dead
	// processes are settled.
	Disabled bool
	// Peers is communication with other processes beside the store. Optional.
	Peers contract.Peers
	// Context adds values to every run's context. Optional.
	Context func(context.Context) context.Context
	// Observe is called with every event, in order, and must not block. Optional.
	Observe func(contract.Event)
	// Claimed is called after every call of the store that claims, and must not block. Optional.
	Claimed func(contract.ClaimCall)
	// TraceID returns the trace of a run, for its record and its log lines. Optional.
	TraceID func(run string) string
	// Asked is called before a manual run is claimed, with the caller's context. Optional.
	Asked func(ctx context.Context, run string)
	// Log is the program's log. Optional. Default: slog.Default().
	Log *slog.Logger
	// Version of the program, shown with the instance. Optional.
	Version string
	// Parts are what the program is built with, shown with the instance. Optional.
	Parts []string
}

// shared is what the parts of a scheduler have in common. All but phase is set by New.
type shared struct {
	cfg      *Config
	log      *slog.Logger
	instance contract.InstanceInfo
	byName   map[string]*entry
	lanes    lanes
	calls    context.Context // of calls to the store; ends last
	tasks    sync.WaitGroup  // goroutines that must end before the process
	events   runner.Events
	runner   *runner.Runner
	phase    phase
}
