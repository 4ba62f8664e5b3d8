package cron

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"fibercrons/app/internal/millis"
	"fibercrons/app/internal/runkey"
	"fibercrons/app/internal/texts"
)

// Run is a run that is going on, as the job's function sees it. The methods may be called on
// a nil Run, as [RunFrom] returns outside of a job: they then do nothing and return zero.
type Run struct {
	id      string
	job     *Job
	host    Host // the scheduler in whose process it goes on
	trigger Trigger
	slot    millis.Time  // claimed
	input   *Input       // nil: it is for a slot, with the job's own arguments
	attempt atomic.Int32 // counts from 1 while the function runs
	failed  int32        // attempts that ended in an error

	mu    sync.Mutex
	words *words // nil: it has told nothing yet
}

// Most runs are for a slot and tell little, and a burst makes thousands, each in memory that nobody has
// touched before: what few of them have is set apart, and what follows from something else is not kept.

// words are what a run has told. Run.mu guards them, but for the journal.
type words struct {
	journal  journal
	progress *Progress
	moved    bool // progress not yet noted
	result   json.RawMessage
}

// RunFrom returns the run that ctx belongs to; nil outside of a job.
func RunFrom(ctx context.Context) *Run {
	r, _ := ctx.Value(runkey.Key{}).(*Run)
	return r
}

// ID names the run.
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

// Slot is the instant the run stands for, in UTC: the slot at which it was due, or the past
// slot that a backfill works for. It is zero for a run asked for by hand.
func (r *Run) Slot() time.Time {
	if r == nil {
		return time.Time{}
	}
	if r.slot == 0 && r.input != nil {
		return r.input.DataSlot
	}
	return r.slot.UTC()
}

// Trigger says what asked for the run.
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

// Key is an idempotency key to hand on to systems with side effects. All attempts for one
// slot have the same; a run by hand or a backfill has its own.
func (r *Run) Key() string {
	if r == nil {
		return ""
	}
	if r.slot == 0 {
		return r.job.Name + "/" + r.id
	}
	return r.job.Name + "/" + r.slot.UTC().Format("2006-01-02T15:04:05.000Z")
}

// Args returns the run's arguments as JSON that reads into their Go type; nil: the job takes none. See [ArgsFrom].
func (r *Run) Args() json.RawMessage {
	if r == nil {
		return nil
	}
	args := r.arguments()
	if spec := r.job.Args; spec != nil {
		if plain, err := spec.rewrite(args, inNanoseconds); err == nil { // else it is for the Go type to say what is wrong
			args = plain
		}
	}
	return slices.Clone(args)
}

// Progress tells how far the run has come. total 0 means unknown; text is cut at 1 KiB. It costs
// little and may be called often; it reaches the store about once a second.
func (r *Run) Progress(done, total int64, text string) {
	if r == nil {
		return
	}
	text = texts.Clip(text, maxProgressText)
	r.mu.Lock()
	w := r.speak()
	w.progress, w.moved = &Progress{Done: done, Total: total, Text: text}, true
	r.mu.Unlock()
}

// Result keeps v, as JSON, with the run; a later call replaces it. It is an error if v has no
// JSON form or is larger than 64 KiB.
func (r *Run) Result(v any) error {
	if r == nil {
		return nil
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("result of job %q: %w", r.job.Name, err)
	}
	if len(raw) > maxResult {
		return fmt.Errorf("result of job %q: %d bytes of JSON are more than %d; keep it elsewhere and name the place", r.job.Name, len(raw), maxResult)
	}
	r.mu.Lock()
	r.speak().result = raw
	r.mu.Unlock()
	return nil
}

// speak returns where the run's words are kept. r.mu is held.
func (r *Run) speak() *words {
	if r.words == nil {
		r.words = &words{journal: journal{limit: r.host.MaxRunLog()}}
	}
	return r.words
}

// diary returns the run's journal; with some, only if there is one.
func (r *Run) diary(some bool) *journal {
	r.mu.Lock()
	defer r.mu.Unlock()
	if some && r.words == nil {
		return nil
	}
	return &r.speak().journal
}

// log adds a line to the run's log.
func (r *Run) log(at time.Time, level, message string) {
	r.diary(false).add(at, r.Attempt(), level, message, nil)
}

func (r *Run) arguments() json.RawMessage {
	if r.input != nil {
		return r.input.Args
	}
	return r.job.DefaultArgs()
}

func (r *Run) trace() string { return r.host.TraceOf(r.id) }
