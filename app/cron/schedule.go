package cron

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"fibercrons/app/schedule"
)

// OnDemand is the expression of a job without a schedule of its own: it runs by hand, by stored schedules and when it
// is enqueued.
const OnDemand = schedule.OnDemand

// Schedule is a stored schedule: one that is data, made while the program runs. A job may have any number of them,
// beside those in code. Its runs, overlap and history are its own; policies, such as catch-up, timeout and retries, are
// the job's. See app.Schedules.
type Schedule struct {
	// ID names it in the whole program: 1 to 200 characters, such as "tenant-42/daily". It has no control characters,
	// and neither begins nor ends with white space.
	ID string
	// Job is the name of a registered job.
	Job string
	// Expr is an expression as in [Register], with @at and @every; H hashes the ID.
	Expr string
	// Zone is the time zone of Expr. Optional. Default: the job's.
	Zone string
	// Args are the arguments of its runs: a value of the type given to [Args], or JSON as a [json.RawMessage], whose
	// missing names have the job's defaults. Optional. Default: the job's defaults, as they are now.
	Args any
	// From and Until bound its slots, both inclusive. Optional.
	From, Until time.Time
	// MaxRuns is how many of its slots run; skipped ones do not count. Optional. Default: 0, no limit.
	MaxRuns int
	// Meta is for readers and filters, at most 16 KiB. Optional.
	Meta map[string]string
	// Paused makes it paused until it is resumed, or put without Paused.
	Paused bool
}

// EnqueueOption changes a run that is enqueued; see app.Enqueue.
type EnqueueOption func(*EnqueueOptions)

// EnqueueOptions is what the options of a run that is enqueued have set.
type EnqueueOptions struct {
	At  time.Time // zero: now
	Key string    // empty: none
}

// At defers the run until t. A t in the past is now.
func At(t time.Time) EnqueueOption { return func(o *EnqueueOptions) { o.At = t } }

// Key identifies the request, in 1 to 200 characters: a second request for the job with the same key returns the first
// one's run, for as long as the history has it.
func Key(key string) EnqueueOption { return func(o *EnqueueOptions) { o.Key = key } }

// Encode checks the arguments of a run, as of [Schedule], and fills in the defaults.
func (j *Job) Encode(args any) (json.RawMessage, error) {
	switch v := args.(type) {
	case nil:
		return j.Accept(nil)
	case json.RawMessage:
		return j.Accept(v)
	}
	raw, err := json.Marshal(args)
	if err != nil {
		return nil, &ArgsError{Job: j.Name, Fields: []FieldError{{Detail: fmt.Sprintf("%T is not JSON: %v", args, err)}}}
	}
	if typ := reflect.TypeOf(args); j.Args != nil && (typ == j.Args.typ || typ.Kind() == reflect.Pointer && typ.Elem() == j.Args.typ) {
		if worded, err := j.Args.rewrite(raw, inWords); err == nil { // otherwise Accept reports what is wrong
			raw = worded
		}
	}
	return j.Accept(raw)
}
