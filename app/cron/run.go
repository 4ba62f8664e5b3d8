package cron

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"fibercrons/app/internal/millis"
	"fibercrons/app/internal/runkey"
	"fibercrons/app/internal/texts"
)

// Run is an active run, as the job's function sees it. On a nil Run, which [RunFrom] returns outside of a job, the
// methods do nothing and return zero.
type Run struct {
	id      string
	job     *Job
	host    Host // the scheduler that executes it
	trigger Trigger
	stored  string       // ID of its stored schedule; empty: none
	slot    millis.Time  // claimed
	input   *Input       // nil: a slot with the job's default arguments
	attempt atomic.Int32 // counts from 1 while the function runs
	failed  int32        // attempts that ended in an error

	mu     sync.Mutex
	output *output // nil: none yet
}

// Most runs are for a slot and have little output, and a burst creates thousands of them. To save memory, rare data is
// allocated separately, and derived data is not stored.

// output is what a run has reported. Run.mu guards it, except for the journal.
type output struct {
	journal  journal
	progress *Progress
	moved    bool // progress not yet stored
	result   json.RawMessage
}

// RunFrom returns the run that ctx belongs to, or nil outside of a job.
func RunFrom(ctx context.Context) *Run {
	r, _ := ctx.Value(runkey.Key{}).(*Run)
	return r
}

// ID is the ID of the run.
func (r *Run) ID() string {
	if r == nil {
		return ""
	}
	return r.id
}

// Job is the name of the job.
func (r *Run) Job() string {
	if r == nil {
		return ""
	}
	return r.job.Name
}

// Schedule is the ID of the run's stored schedule; empty: the run is for the job's own schedule, or manual.
func (r *Run) Schedule() string {
	if r == nil {
		return ""
	}
	return r.stored
}

// Slot is the slot of the run, in UTC: its own, or the past slot of a backfill. It is zero for a manual run.
func (r *Run) Slot() time.Time {
	if r == nil {
		return time.Time{}
	}
	if r.slot == 0 && r.input != nil {
		return r.input.DataSlot
	}
	return r.slot.UTC()
}

// Trigger is the origin of the run.
func (r *Run) Trigger() Trigger {
	if r == nil {
		return ""
	}
	return r.trigger
}

// Attempt counts the calls of the function in this run, from 1.
func (r *Run) Attempt() int {
	if r == nil {
		return 0
	}
	return int(r.attempt.Load())
}

// Key is an idempotency key to pass to systems with side effects. It is the same for all attempts for one slot, and
// differs by stored schedule; a manual run or a backfill has its own.
func (r *Run) Key() string {
	if r == nil {
		return ""
	}
	if r.slot == 0 {
		return r.job.Name + "/" + r.id
	}
	name := r.job.Name
	if r.stored != "" {
		name += "/" + r.stored
	}
	return name + "/" + r.slot.UTC().Format("2006-01-02T15:04:05.000Z")
}

// Args returns the run's arguments as JSON for their Go type, or nil if the job takes none. See [ArgsFrom].
func (r *Run) Args() json.RawMessage {
	if r == nil {
		return nil
	}
	args := r.arguments()
	if spec := r.job.Args; spec != nil {
		if plain, err := spec.rewrite(args, inNanoseconds); err == nil { // otherwise the Go type reports the error
			args = plain
		}
	}
	return slices.Clone(args)
}

// Progress reports the run's progress. total 0 means unknown; text is cut at 1 KiB. It is cheap and may be called
// often; the store is updated about once a second.
func (r *Run) Progress(done, total int64, text string) {
	if r == nil {
		return
	}
	text = texts.Clip(text, maxProgressText)
	r.mu.Lock()
	w := r.ensureOutput()
	w.progress, w.moved = &Progress{Done: done, Total: total, Text: text}, true
	r.mu.Unlock()
}

// Result stores v as JSON with the run, replacing an earlier result. It returns an error if v cannot be encoded or is
// larger than 64 KiB.
func (r *Run) Result(v any) error {
	if r == nil {
		return nil
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("result of job %q: %w", r.job.Name, err)
	}
	if len(raw) > maxResult {
		return fmt.Errorf("result of job %q: %d bytes of JSON are more than %d; store it elsewhere and return its location", r.job.Name, len(raw), maxResult)
	}
	r.mu.Lock()
	r.ensureOutput().result = raw
	r.mu.Unlock()
	return nil
}

// ensureOutput returns the run's output, allocated if necessary. r.mu is held.
func (r *Run) ensureOutput() *output {
	if r.output == nil {
		r.output = &output{journal: journal{limit: r.host.MaxRunLog()}}
	}
	return r.output
}

// lines returns the run's journal. If existing is set and there is none, it returns nil.
func (r *Run) lines(existing bool) *journal {
	r.mu.Lock()
	defer r.mu.Unlock()
	if existing && r.output == nil {
		return nil
	}
	return &r.ensureOutput().journal
}

// log adds a line to the run's log.
func (r *Run) log(at time.Time, level, message string) {
	r.lines(false).add(at, r.Attempt(), level, message, nil)
}

func (r *Run) arguments() json.RawMessage {
	if r.input != nil {
		return r.input.Args
	}
	return r.job.DefaultArgs()
}

func (r *Run) trace() string { return r.host.TraceOf(r.id) }

// ArgsFrom returns the arguments of the run in ctx. T must be the type given to [Args]; with another type it panics,
// and the run fails. Outside of a run, and in a job without arguments, it returns the zero T.
func ArgsFrom[T any](ctx context.Context) (args T) {
	run := RunFrom(ctx)
	if run == nil || len(run.arguments()) == 0 {
		return args
	}
	if spec := run.job.Args; spec != nil && spec.typ != reflect.TypeFor[T]() {
		panic(fmt.Errorf("ArgsFrom[%s]: the arguments of job %q are of type %s", reflect.TypeFor[T](), run.job.Name, spec.typ))
	}
	if err := json.Unmarshal(run.Args(), &args); err != nil {
		panic(fmt.Errorf("ArgsFrom[%s]: %w", reflect.TypeFor[T](), err))
	}
	return args
}

// Host is the scheduler that executes a run.
type Host interface {
	Logger() *slog.Logger      // of the program
	MaxRunLog() int            // bytes of log lines that are kept with a run; below 0: none
	TraceOf(run string) string // ID of the run's trace; empty: it has none
}

// Input is the data of a run that was requested or continued here.
type Input struct {
	Args     json.RawMessage
	DataSlot time.Time // the past slot of a backfill
	Key      string    // of the request
	Actor    string
}
